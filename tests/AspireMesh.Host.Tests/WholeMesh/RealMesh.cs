using System.Collections.Concurrent;
using System.Collections.Immutable;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;
using AspireMesh.Proxy;
using AspireMesh.TestKit;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace AspireMesh.Host.Tests.WholeMesh;

/// <summary>web → api with a real control plane, real sidecars and a real app behind api. Retries are off, so that a lost request is seen.</summary>
internal sealed class RealMesh : IAsyncDisposable
{
    private readonly Dictionary<string, MeshSidecar> _sidecars = [];
    private readonly string _handover = Directory.CreateTempSubdirectory("aspiremesh-handover-").FullName;
    private readonly CountingApp _app;

    private RealMesh(MeshControlPlane control, ControlPlaneOptions options, MeshModel model, CountingApp app, Uri front)
    {
        (Control, Options, Model, _app) = (control, options, model, app);
        Client = new HttpClient { BaseAddress = front };
    }

    public MeshControlPlane Control { get; private set; }

    public ControlPlaneOptions Options { get; }

    public MeshModel Model { get; }

    /// <summary>Requests that reached api's app.</summary>
    public long Arrivals => _app.Arrivals;

    /// <summary>The port of web's outbound listener.</summary>
    public int Front => Client.BaseAddress!.Port;

    /// <summary>Calls api as the web app would: through web's outbound listener.</summary>
    public HttpClient Client { get; }

    public static async Task<RealMesh> StartAsync(Func<MeshModel, MeshModel>? configure = null, string? stateDirectory = null, ILoggerFactory? logs = null, string? workloadApi = null)
    {
        var app = await CountingApp.StartAsync();

        var outbound = FreePort.Next();
        var model = Intent(outbound);
        model = configure?.Invoke(model) ?? model;
        var options = new ControlPlaneOptions
        {
            Name = "shop",
            TrustDomain = Meshes.TrustDomain,
            RunDirectory = "",
            StateDirectory = stateDirectory,
            KeepModel = stateDirectory is not null,
            WorkloadApi = workloadApi,
            LoggerFactory = logs ?? NullLoggerFactory.Instance,
            ControlListen = $"127.0.0.1:{FreePort.Next()}",
        };
        var control = new MeshControlPlane(options);
        control.ApplyModel(model);
        await control.StartAsync(CancellationToken.None);
        var mesh = new RealMesh(control, options, model, app, new Uri($"http://127.0.0.1:{outbound}"));
        control.SetAppAddress("api", "api", "http", app.Address);
        foreach (var instance in new[] { "web", "api" }) await mesh.StartSidecarAsync(instance);
        return mesh;
    }

    /// <summary>Where a sidecar waits for a newer process of itself.</summary>
    public string HandoverOf(string instance) => Path.Combine(_handover, instance);

    /// <summary>Starts another sidecar in the place of one that runs, and ends that one when it has drained.</summary>
    public async Task UpgradeAsync(string instance)
    {
        var old = _sidecars[instance];
        await StartSidecarAsync(instance);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await old.HandedOver.WaitAsync(limit.Token);
        await old.StopAsync(CancellationToken.None);
    }

    /// <summary>What the sidecars' admin listeners say.</summary>
    public async Task<string[]> AdminAnswersAsync()
    {
        var answers = new List<string>();
        foreach (var sidecar in _sidecars.Values)
        {
            foreach (var path in new[] { "config", "metrics", "healthz", "readyz" }) answers.Add(await Client.GetStringAsync(new Uri($"http://{sidecar.AdminAddress}/{path}")));
        }
        return [.. answers];
    }

    /// <summary>Ends the control plane; the sidecars are left to themselves.</summary>
    public async Task StopControlAsync() => await Control.DisposeAsync();

    /// <summary>Another control plane where the one before was, with what that one kept.</summary>
    public async Task RestartControlAsync()
    {
        Control = new MeshControlPlane(Options);
        await Control.StartAsync(CancellationToken.None);
    }

    /// <summary>Gives every sidecar a new SVID and returns when each has said that it uses it.</summary>
    public async Task RenewAllAsync()
    {
        var before = Control.GetStatus().Workloads.ToDictionary(w => w.Name, w => w.SvidExpires);
        // Ends are told in whole seconds: one that came within the same second as the one before could not be told from it.
        using var again = new PeriodicTimer(TimeSpan.FromSeconds(1));
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(120));
        while (Control.GetStatus().Workloads.Any(w => !(w.SvidExpires > before[w.Name])))
        {
            Control.RenewNow();
            await again.WaitForNextTickAsync(limit.Token);
        }
    }

    /// <summary>Waits until a condition on the control plane holds.</summary>
    public async Task UntilAsync(Func<MeshControlPlane, bool> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        using var changed = new SemaphoreSlim(0);
        void Signal(string instance) => changed.Release();
        Control.SidecarChanged += Signal;
        try
        {
            while (!condition(Control)) await changed.WaitAsync(limit.Token);
        }
        finally
        {
            Control.SidecarChanged -= Signal;
        }
    }

    /// <summary>Sends requests one after the other from several callers for as long as something happens; what went wrong.</summary>
    public async Task<(long Sent, IReadOnlyCollection<string> Failures)> LoadWhileAsync(Func<Task> something)
    {
        using var ended = new CancellationTokenSource();
        var failures = new ConcurrentBag<string>();
        long sent = 0;
        var callers = Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            while (!ended.IsCancellationRequested)
            {
                try
                {
                    using var response = await Client.GetAsync("/", CancellationToken.None);
                    if (!response.IsSuccessStatusCode) failures.Add($"{(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}");
                }
                catch (HttpRequestException e)
                {
                    failures.Add(e.Message);
                }
                Interlocked.Increment(ref sent);
            }
        })).ToArray();
        await something();
        await ended.CancelAsync();
        await Task.WhenAll(callers);
        return (sent, failures);
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        foreach (var sidecar in _sidecars.Values) await sidecar.DisposeAsync();
        await Control.DisposeAsync();
        await _app.DisposeAsync();
        Directory.Delete(_handover, recursive: true);
    }

    private static MeshModel Intent(int outbound) => new()
    {
        Name = "shop",
        TrustDomain = Meshes.TrustDomain,
        DrainTime = TimeSpan.FromSeconds(1),
        Workloads = [Workload("web"), Workload("api")],
        Edges =
        [
            new EdgeModel
            {
                From = "web",
                To = "api",
                Endpoint = "http",
                Listen = ImmutableDictionary<string, string>.Empty.Add("web", $"127.0.0.1:{outbound}"),
                Policies = new EdgePolicies { Retry = new RetryPolicy { MaxRetries = 0 } },
            },
        ],
    };

    private static WorkloadModel Workload(string name) => new()
    {
        Name = name,
        Endpoints = [new EndpointModel { Name = "http" }],
        Sidecars = [new SidecarModel { Instance = name, Inbound = $"127.0.0.1:{FreePort.Next()}", Admin = $"127.0.0.1:{FreePort.Next()}" }],
    };

    private async Task StartSidecarAsync(string instance)
    {
        var sidecar = new MeshSidecar(Control.CreateBootstrap(instance) with { HandoverSocket = HandoverOf(instance) }, new MeshSidecarOptions { LoggerFactory = Options.LoggerFactory });
        _sidecars[instance] = sidecar;
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await sidecar.StartAsync(limit.Token);
        await sidecar.Ready.WaitAsync(limit.Token);
    }
}
