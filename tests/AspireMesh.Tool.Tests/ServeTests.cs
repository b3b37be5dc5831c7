using System.Collections.Immutable;
using System.Diagnostics;
using System.Text.Json;
using AspireMesh.Host.Running;
using AspireMesh.Host.Tests;
using AspireMesh.Protocol.Admin;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;
using AspireMesh.Proxy;
using AspireMesh.TestKit;

namespace AspireMesh.Tool.Tests;

/// <summary>The control plane as a process of its own, killed without warning.</summary>
public sealed class ServeTests(ITestOutputHelper log) : IAsyncDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("aspiremesh-serve-").FullName;
    private readonly int _control = FreePort.Next();
    private readonly int _outbound = FreePort.Next();
    private readonly List<MeshSidecar> _sidecars = [];
    private Process? _serve;
    private CountingApp? _app;

    [Fact]
    public async Task Killed_and_started_again_it_takes_up_trust_and_model_and_no_request_fails()
    {
        _app = await CountingApp.StartAsync();
        File.WriteAllText(ModelFile, JsonSerializer.Serialize(Model(), AdminJson.Default.MeshModel));
        await StartServeAsync("--model", ModelFile);
        using (var client = Admin())
        {
            await client.SetAppAddressAsync(new AppAddressChange { Workload = "api", Instance = "api", Endpoint = "http", Address = _app.Address }, CancellationToken.None);
            foreach (var instance in new[] { "web", "api" }) await StartSidecarAsync(await client.CreateBootstrapAsync(instance, CancellationToken.None));
        }
        await CheckAsync();
        var root = await RootAsync();

        var load = await PacedLoad.StartAsync(_outbound);
        await ToolAsync("certs", "rotate");
        var rotated = await RootAsync();
        await KillAsync();
        // Traffic goes on with nobody in control before somebody comes back.
        await MoreAsync(load, 500);
        // Without --model: what was kept is enough.
        await StartServeAsync("--trust-domain", Meshes.TrustDomain, "--name", "shop");
        await CheckAsync();
        var taken = await RootAsync();
        await ToolAsync("certs", "rotate");
        var report = await load.StopAsync();

        log.WriteLine(report.ToString());
        Assert.Empty(report.Failures);
        Assert.Equal((report.Sent, report.Sent), (report.Answered, _app.Arrivals));
        Assert.Equal(3, new[] { root, rotated, await RootAsync() }.Distinct().Count());
        Assert.Equal(rotated, taken);
        // What the inbound listeners really present, seen by a client without an SVID.
        Assert.Contains("ok: api presents spiffe://shop.mesh/ns/default/sa/api", await ToolAsync("certs", "verify"));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var sidecar in _sidecars) await sidecar.DisposeAsync();
        if (_serve is { HasExited: false }) await KillAsync();
        _serve?.Dispose();
        if (_app is not null) await _app.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    // SIGKILL: it gets to tidy up nothing.
    private async Task KillAsync()
    {
        _serve!.Kill();
        await _serve.WaitForExitAsync();
    }

    private static async Task MoreAsync(PacedLoad load, int answers)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        using var look = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        for (var enough = load.Answered + answers; load.Answered < enough;) await look.WaitForNextTickAsync(limit.Token);
    }

    private string ModelFile => Path.Combine(_directory, "model.json");

    private string RunFiles => Path.Combine(_directory, "run");

    private MeshAdminClient Admin() => new(RunDirectory.Find(RunFiles).Single());

    private async Task<string> RootAsync()
    {
        using var client = Admin();
        return (await client.GetCertificatesAsync(CancellationToken.None)).Roots.Single().Fingerprint;
    }

    private Task<string> CheckAsync() => ToolAsync("check", "--wait", "60");

    private async Task<string> ToolAsync(params string[] args)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var code = await MeshTool.RunAsync(args, new ToolTerminal(output, error, redirected: true, runDirectory: RunFiles), CancellationToken.None);
        Assert.Equal((0, ""), (code, error.ToString()));
        return output.ToString();
    }

    private async Task StartServeAsync(params string[] args)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true };
        string[] all = [Path.Combine(AppContext.BaseDirectory, "aspiremesh.dll"), "serve", "--state", Path.Combine(_directory, "state"), "--listen", $"127.0.0.1:{_control}", .. args];
        foreach (var arg in all) start.ArgumentList.Add(arg);
        start.Environment[RunFile.DirectoryVariable] = RunFiles;
        _serve?.Dispose();
        _serve = Process.Start(start)!;
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        Assert.StartsWith("AspireMesh control plane ready", await _serve.StandardOutput.ReadLineAsync(limit.Token));
    }

    private async Task StartSidecarAsync(Protocol.Snapshot.SidecarBootstrap bootstrap)
    {
        var sidecar = new MeshSidecar(bootstrap, new MeshSidecarOptions());
        _sidecars.Add(sidecar);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await sidecar.StartAsync(limit.Token);
        await sidecar.Ready.WaitAsync(limit.Token);
    }

    private MeshModel Model() => new()
    {
        Name = "shop",
        TrustDomain = Meshes.TrustDomain,
        DrainTime = TimeSpan.FromSeconds(1),
        Workloads = [Meshes.Workload("web", FreePort.Next(), new EndpointModel { Name = "http" }) with { Sidecars = [Sidecar("web")] }, Meshes.Workload("api", 1, new EndpointModel { Name = "http" }) with { Sidecars = [Sidecar("api")] }],
        Edges =
        [
            new EdgeModel
            {
                From = "web", To = "api", Endpoint = "http",
                Listen = ImmutableDictionary<string, string>.Empty.Add("web", $"127.0.0.1:{_outbound}"),
                Policies = new EdgePolicies { Retry = new RetryPolicy { MaxRetries = 0 } },
            },
        ],
    };

    private static SidecarModel Sidecar(string name) => new() { Instance = name, Inbound = $"127.0.0.1:{FreePort.Next()}", Admin = $"127.0.0.1:{FreePort.Next()}" };
}
