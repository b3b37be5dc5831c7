using System.Net;
using System.Security.Cryptography.X509Certificates;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Http;
using AspireMesh.Proxy.Pipeline;
using AspireMesh.Proxy.Runtime;
using AspireMesh.TestKit;

namespace AspireMesh.Proxy.Tests.Pairs;

/// <summary>
/// Two real sidecars over real sockets and TLS, without a control plane: <c>web</c> calls <c>api</c>'s endpoint <c>http</c> (or <c>tcp</c>). A test
/// gives the app's address and edits the snapshots. Further replicas of <c>api</c> are sidecars too, each with an app of its own.
/// </summary>
internal sealed class SidecarPair : IAsyncDisposable
{
    private readonly List<MeshSidecar> _replicas = [];

    private SidecarPair(TestCertificates certificates, SidecarPairOptions options)
    {
        Certificates = certificates;
        CallerSvids = new FixedSvids(certificates, certificates.Svid("web"));
        CalleeSvids = new FixedSvids(certificates, certificates.Svid("api"));
        Caller = Sidecar("web", CallerSvids, options.CallerEvents ?? CallerEvents, options);
        Callee = Sidecar("api", CalleeSvids, options.CalleeEvents ?? CalleeEvents, options);
    }

    public TestCertificates Certificates { get; }

    public FixedSvids CallerSvids { get; }

    public FixedSvids CalleeSvids { get; }

    public RecordedEvents CallerEvents { get; } = new();

    public RecordedEvents CalleeEvents { get; } = new();

    public MeshSidecar Caller { get; }

    public MeshSidecar Callee { get; }

    public MeshSnapshot CallerSnapshot { get; private set; } = null!;

    public MeshSnapshot CalleeSnapshot { get; private set; } = null!;

    /// <summary>Where the caller's app connects.</summary>
    public IPEndPoint Outbound => IPEndPoint.Parse(CallerSnapshot.Outbound[0].Listen);

    /// <summary>Likewise, as a base address.</summary>
    public Uri OutboundUri => new($"http://{Outbound}/");

    /// <summary>Where the callee's sidecar takes mTLS.</summary>
    public IPEndPoint Inbound => IPEndPoint.Parse(CalleeSnapshot.Inbound.Listen);

    public static async Task<SidecarPair> StartAsync(SidecarPairOptions options)
    {
        var pair = new SidecarPair(new TestCertificates(), options);
        await pair.Callee.StartAsync(default);
        await pair.Caller.StartAsync(default);
        await pair.ApplyCalleeAsync(options.EditCallee(Snapshots.Callee(pair.Certificates, options)));
        var inbounds = await Task.WhenAll(options.Replicas.Select(app => pair.AddReplicaAsync(options with { App = app })));
        await pair.ApplyCallerAsync(options.EditCaller(Snapshots.Caller(pair.Certificates, options, [pair.CalleeSnapshot.Inbound.Listen, .. inbounds])));
        return pair;
    }

    /// <summary>Puts a snapshot of the caller in force; its version is set.</summary>
    public async Task ApplyCallerAsync(MeshSnapshot snapshot)
    {
        CallerSnapshot = snapshot with { Version = (CallerSnapshot?.Version ?? 0) + 1 };
        Assert.Empty(await Caller.Snapshots.ApplyAsync(CallerSnapshot, default));
    }

    /// <summary>Puts a snapshot of the callee in force; its version is set.</summary>
    public async Task ApplyCalleeAsync(MeshSnapshot snapshot)
    {
        CalleeSnapshot = snapshot with { Version = (CalleeSnapshot?.Version ?? 0) + 1 };
        Assert.Empty(await Callee.Snapshots.ApplyAsync(CalleeSnapshot, default));
    }

    public async ValueTask DisposeAsync()
    {
        await Caller.DisposeAsync();
        await Callee.DisposeAsync();
        foreach (var replica in _replicas) await replica.DisposeAsync();
    }

    /// <summary>One more sidecar of the callee.</summary>
    /// <returns>Where it takes mTLS.</returns>
    private async Task<string> AddReplicaAsync(SidecarPairOptions options)
    {
        var replica = Sidecar("api", CalleeSvids, options.CalleeEvents ?? CalleeEvents, options);
        lock (_replicas) _replicas.Add(replica);
        await replica.StartAsync(default);
        var snapshot = options.EditCallee(Snapshots.Callee(Certificates, options));
        Assert.Empty(await replica.Snapshots.ApplyAsync(snapshot, default));
        return snapshot.Inbound.Listen;
    }

    private MeshSidecar Sidecar(string workload, FixedSvids svids, IMeshEvents events, SidecarPairOptions options)
    {
        var bootstrap = new SidecarBootstrap
        {
            Workload = workload,
            Instance = workload,
            TrustDomain = Certificates.TrustDomain,
            ControlPlane = "https://127.0.0.1:1",
            TrustBundle = [Certificates.RootPem],
            Admin = "127.0.0.1:0",
        };
        return new MeshSidecar(bootstrap, options.Sidecar, new SidecarParts { Svids = svids, Events = events, Pipeline = options.Pipeline });
    }
}

/// <summary>What a pair is started with.</summary>
internal sealed record SidecarPairOptions
{
    public AppProtocol Protocol { get; init; }

    /// <summary>Where the callee's app listens, <c>host:port</c>.</summary>
    public required string App { get; init; }

    /// <summary>The apps of further replicas of the callee.</summary>
    public IReadOnlyList<string> Replicas { get; init; } = [];

    public MeshSidecarOptions Sidecar { get; init; } = new();

    /// <summary>Takes what the caller's sidecar says, in place of the recorder.</summary>
    public IMeshEvents? CallerEvents { get; init; }

    /// <summary>Likewise the callee's.</summary>
    public IMeshEvents? CalleeEvents { get; init; }

    public Func<MeshSnapshot, MeshSnapshot> EditCaller { get; init; } = static s => s;

    public Func<MeshSnapshot, MeshSnapshot> EditCallee { get; init; } = static s => s;

    public Func<PipelineServices, IHttpPipeline> Pipeline { get; init; } = static services => new TrafficPipeline(services);

    public string Endpoint => Protocol == AppProtocol.Http ? "http" : "tcp";
}

internal static class Snapshots
{
    public static MeshSnapshot Callee(TestCertificates certificates, SidecarPairOptions options) => new()
    {
        Version = 1,
        Workload = "api",
        Instance = "api",
        Identity = certificates.IdOf("api"),
        TrustBundle = [certificates.RootPem],
        DrainTime = TimeSpan.FromSeconds(5),
        Inbound = new InboundSnapshot
        {
            Listen = $"127.0.0.1:{FreePort.Next()}",
            Endpoints =
            [
                new InboundEndpoint
                {
                    Name = options.Endpoint,
                    Protocol = options.Protocol,
                    App = options.App,
                    Authorization = [new AuthorizationRule { Name = "references", Callers = [certificates.IdOf("web")] }],
                },
            ],
        },
    };

    public static MeshSnapshot Caller(TestCertificates certificates, SidecarPairOptions options, IReadOnlyList<string> inbounds)
    {
        var cluster = $"api.{options.Endpoint}";
        return new MeshSnapshot
        {
            Version = 1,
            Workload = "web",
            Instance = "web",
            Identity = certificates.IdOf("web"),
            TrustBundle = [certificates.RootPem],
            DrainTime = TimeSpan.FromSeconds(5),
            Inbound = new InboundSnapshot { Listen = $"127.0.0.1:{FreePort.Next()}" },
            Outbound =
            [
                new OutboundListener
                {
                    Name = cluster,
                    Listen = $"127.0.0.1:{FreePort.Next()}",
                    Protocol = options.Protocol,
                    Destination = "api",
                    Endpoint = options.Endpoint,
                    Cluster = options.Protocol == AppProtocol.Tcp ? cluster : null,
                    Routes = options.Protocol == AppProtocol.Http ? [new RouteSnapshot { Name = "default", Clusters = [new ClusterWeight(cluster, 1)] }] : [],
                },
            ],
            Clusters =
            [
                new ClusterSnapshot
                {
                    Name = cluster,
                    Workload = "api",
                    Endpoint = options.Endpoint,
                    ExpectedIdentity = certificates.IdOf("api"),
                    Destinations = [.. inbounds.Select((address, i) => new DestinationSnapshot { Name = inbounds.Count == 1 ? "api" : $"d{i + 1}", Address = address })],
                },
            ],
        };
    }
}
