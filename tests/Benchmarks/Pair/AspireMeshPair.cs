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
    public static async Task<ProxyPair> StartAsync(string folder, int app)
    {
        var control = new MeshControlPlane(new ControlPlaneOptions { Name = "bench", TrustDomain = "bench.mesh" });
        await control.StartAsync(CancellationToken.None);
        var near = FreePort.Next();
        control.ApplyModel(new MeshModel
        {
            Name = "bench",
            TrustDomain = "bench.mesh",
            Workloads =
            [
                new WorkloadModel { Name = "web", Sidecars = [Sidecar("web")] },
                new WorkloadModel { Name = "api", Endpoints = [new EndpointModel { Name = "http" }], Sidecars = [Sidecar("api")] },
            ],
            Edges = [new EdgeModel { From = "web", To = "api", Endpoint = "http", Listen = ImmutableDictionary<string, string>.Empty.Add("web", $"127.0.0.1:{near}") }],
        });
        control.SetAppAddress("api", "api", "http", $"127.0.0.1:{app}");
        var processes = new[] { "web", "api" }.Select(name =>
        {
            var file = Path.Combine(folder, $"{name}.bootstrap");
            File.WriteAllText(file, JsonSerializer.Serialize(control.CreateBootstrap(name), MeshJson.Default.SidecarBootstrap));
            if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            var environment = new Dictionary<string, string> { [Protocol.Snapshot.SidecarBootstrap.FileVariable] = file };
            var (command, arguments) = ProxyCommand();
            return ProxyPair.Start(command, environment, arguments);
        }).ToList();
        return new ProxyPair("aspiremesh", near, processes, control.DisposeAsync);
    }

    /// <summary>The ahead-of-time build where ASPIREMESH_PROXY names one, else this build's own.</summary>
    private static (string Command, string[] Arguments) ProxyCommand()
    {
        if (Environment.GetEnvironmentVariable("ASPIREMESH_PROXY") is { Length: > 0 } native) return (native, []);
        var root = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(root, "AspireMesh.sln"))) root = Path.GetDirectoryName(root) ?? throw new InvalidOperationException("AspireMesh.sln was not found above the benchmark");
        var folder = Path.Combine(root, "MeshProxy", "AspireMesh.Proxy.Sidecar", "bin");
        var built = Directory.GetFiles(folder, "aspiremesh-proxy.dll", SearchOption.AllDirectories).Where(f => !f.Contains("ref")).MaxBy(File.GetLastWriteTimeUtc)
            ?? throw new InvalidOperationException("aspiremesh-proxy.dll is not built: dotnet build -c Release AspireMesh.sln");
        return ("dotnet", [built]);
    }

    private static SidecarModel Sidecar(string name) => new() { Instance = name, Inbound = $"127.0.0.1:{FreePort.Next()}", Admin = $"127.0.0.1:{FreePort.Next()}" };
}
