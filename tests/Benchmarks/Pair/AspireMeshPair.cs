using System.Collections.Immutable;
using System.Text.Json;
using AspireMesh.Host;
using AspireMesh.Protocol;
using AspireMesh.Protocol.Model;
using AspireMesh.TestKit;

namespace AspireMesh.Benchmarks.Pair;

/// <summary>Two of our sidecars as processes, with default policies, under a control plane in this process (which is not counted, as nobody's is).</summary>
internal static class AspireMeshPair
{
    public static async Task<ProxyPair> StartAsync(string folder, int app) => (await StartSwitchableAsync(folder, app)).Pair;

    /// <summary>A pair whose mesh can be told, while it runs, whether faults are allowed.</summary>
    public static async Task<(ProxyPair Pair, Action<bool> AllowChaos)> StartSwitchableAsync(string folder, int app)
    {
        var control = new MeshControlPlane(new ControlPlaneOptions { Name = "bench", TrustDomain = "bench.mesh" });
        await control.StartAsync(CancellationToken.None);
        var near = FreePort.Next();
        var model = new MeshModel
        {
            Name = "bench",
            TrustDomain = "bench.mesh",
            Workloads =
            [
                new WorkloadModel { Name = "web", Sidecars = [Sidecar("web")] },
                new WorkloadModel { Name = "api", Endpoints = [new EndpointModel { Name = "http" }], Sidecars = [Sidecar("api")] },
            ],
            Edges = [new EdgeModel { From = "web", To = "api", Endpoint = "http", Listen = ImmutableDictionary<string, string>.Empty.Add("web", $"127.0.0.1:{near}") }],
        };
        control.ApplyModel(model);
        control.SetAppAddress("api", "api", "http", $"127.0.0.1:{app}");
        var processes = new[] { "web", "api" }.Select(name =>
        {
            var file = Path.Combine(folder, $"{name}.bootstrap");
            File.WriteAllText(file, JsonSerializer.Serialize(control.CreateBootstrap(name), MeshJson.Default.SidecarBootstrap));
            if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            var environment = new Dictionary<string, string> { [Protocol.Snapshot.SidecarBootstrap.FileVariable] = file };
            var (command, arguments) = ProxyCommand.Find();
            return ProxyPair.Start(command, environment, arguments);
        }).ToList();
        return (new ProxyPair("aspiremesh", near, processes, control.DisposeAsync), allowed => control.ApplyModel(model with { ChaosEnabled = allowed }));
    }

    private static SidecarModel Sidecar(string name) => new() { Instance = name, Inbound = $"127.0.0.1:{FreePort.Next()}", Admin = $"127.0.0.1:{FreePort.Next()}" };
}
