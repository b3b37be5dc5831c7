using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using AspireMesh.Benchmarks.Footprint;
using AspireMesh.Host.Running;
using AspireMesh.Protocol.Admin;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;
using AspireMesh.TestKit;

namespace AspireMesh.Benchmarks.Rotation;

/// <summary>web → api with every part in a process of its own: the control plane (<c>aspiremesh serve</c>) and two sidecars. The app counts what reaches it.</summary>
internal sealed class RotationMesh : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("aspiremesh-rotation-").FullName;
    private readonly int _control = FreePort.Next();
    private readonly Dictionary<string, MeasuredSidecar> _sidecars = [];
    private readonly CountingApp _app;
    private Process? _serve;

    private RotationMesh(CountingApp app) => _app = app;

    public int Front { get; } = FreePort.Next();

    public long Arrivals => _app.Arrivals;

    /// <summary>A client of the control plane that runs now.</summary>
    public MeshAdminClient Admin { get; private set; } = null!;

    public static async Task<RotationMesh> StartAsync(bool retries, TimeSpan svidLifetime)
    {
        var mesh = new RotationMesh(await CountingApp.StartAsync());
        await File.WriteAllTextAsync(mesh.ModelFile, JsonSerializer.Serialize(mesh.Model(retries, svidLifetime), AdminJson.Default.MeshModel));
        await mesh.StartControlAsync();
        await mesh.Admin.SetAppAddressAsync(new AppAddressChange { Workload = "api", Instance = "api", Endpoint = "http", Address = mesh._app.Address }, CancellationToken.None);
        foreach (var instance in new[] { "api", "web" }) await mesh.StartSidecarAsync(instance);
        await mesh.HealthyAsync();
        return mesh;
    }

    private async Task StartControlAsync()
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true };
        string[] arguments = [Path.Combine(AppContext.BaseDirectory, "aspiremesh.dll"), "serve", "--model", ModelFile, "--state", Path.Combine(_folder, "state"), "--listen", string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{_control}")];
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        start.Environment[RunFile.DirectoryVariable] = _folder;
        _serve = Process.Start(start)!;
        await _serve.StandardOutput.ReadLineAsync();
        Admin?.Dispose();
        Admin = new MeshAdminClient(RunDirectory.Find(_folder).Single());
    }

    /// <summary>Kills the control plane, leaves the mesh without one for a while, and starts another.</summary>
    public async Task ReplaceControlAsync(TimeSpan absence)
    {
        await KillControlAsync();
        await Task.Delay(absence);
        await StartControlAsync();
    }

    private async Task KillControlAsync()
    {
        _serve!.Kill();
        await _serve.WaitForExitAsync();
        _serve.Dispose();
    }

    public async Task StartSidecarAsync(string instance) =>
        _sidecars[instance] = await MeasuredSidecar.StartAsync(await Admin.CreateBootstrapAsync(instance, CancellationToken.None), _folder);

    /// <summary>SIGKILL.</summary>
    public ValueTask KillSidecarAsync(string instance) => _sidecars[instance].DisposeAsync();

    /// <summary>Returns when every sidecar is connected and obeys its snapshot.</summary>
    public async Task HealthyAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(120));
        using var look = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (!(await Admin.CheckAsync(limit.Token)).Healthy) await look.WaitForNextTickAsync(limit.Token);
    }

    public async Task SetMtlsAsync(MtlsMode mode)
    {
        await Admin.SetMtlsAsync(new MtlsChange { Mode = mode }, CancellationToken.None);
        await HealthyAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var sidecar in _sidecars.Values) await sidecar.DisposeAsync();
        await KillControlAsync();
        Admin.Dispose();
        await _app.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private string ModelFile => Path.Combine(_folder, "model.txt");

    private MeshModel Model(bool retries, TimeSpan svidLifetime) => new()
    {
        Name = "rotation",
        TrustDomain = "bench.mesh",
        SvidLifetime = svidLifetime,
        Workloads = [Workload("web"), Workload("api")],
        Edges =
        [
            new EdgeModel
            {
                From = "web",
                To = "api",
                Endpoint = "http",
                Listen = ImmutableDictionary<string, string>.Empty.Add("web", string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{Front}")),
                Policies = retries ? new EdgePolicies() : new EdgePolicies { Retry = new RetryPolicy { MaxRetries = 0 } },
            },
        ],
    };

    private static WorkloadModel Workload(string name) => new()
    {
        Name = name,
        Endpoints = [new EndpointModel { Name = "http" }],
        Sidecars = [new SidecarModel { Instance = name, Inbound = $"127.0.0.1:{FreePort.Next()}", Admin = $"127.0.0.1:{FreePort.Next()}" }],
    };
}
