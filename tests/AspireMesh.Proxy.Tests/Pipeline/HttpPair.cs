using System.Net;
using AspireMesh.Protocol.Policies;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Pipeline;
using AspireMesh.Proxy.Runtime;
using AspireMesh.Proxy.Tests.Pairs;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace AspireMesh.Proxy.Tests.Pipeline;

/// <summary>client → web's sidecar ═mTLS═ api's sidecar → app, everything real but the control plane.</summary>
internal sealed class HttpPair : IAsyncDisposable
{
    private readonly TestApp? _owned;

    private HttpPair(SidecarPair pair, TestApp? owned, HttpClient client) => (Pair, _owned, Client) = (pair, owned, client);

    public SidecarPair Pair { get; }

    /// <summary>The caller's app; its base address is the outbound listener.</summary>
    public HttpClient Client { get; }

    public TestApp App => _owned!;

    public RequestEnd LastRequest => Pair.CallerEvents.Requests.Last();

    public static async Task<HttpPair> StartAsync(RequestDelegate handler, HttpPairOptions? options = null)
    {
        options ??= new HttpPairOptions();
        return await StartAsync(await TestApp.StartAsync(handler, options.Http2 ? HttpProtocols.Http2 : HttpProtocols.Http1), options);
    }

    public static Task<HttpPair> StartAsync(TestApp app, HttpPairOptions? options = null) => StartAsync(app, [app.Address], options ?? new HttpPairOptions());

    /// <summary>One edge to these apps, each behind a sidecar of its own: replicas of one workload, over mTLS.</summary>
    public static Task<HttpPair> InFrontOfAsync(IEnumerable<string> apps, HttpPairOptions? options = null) => StartAsync(null, [.. apps], options ?? new HttpPairOptions());

    /// <summary>A caller's sidecar alone; its cluster has these servers as plain destinations, as one outside the mesh has.</summary>
    public static Task<HttpPair> InFrontOfPlainAsync(IEnumerable<string> addresses, HttpPairOptions? options = null)
    {
        options ??= new HttpPairOptions();
        var edit = options.Caller;
        var destinations = addresses.Select((a, i) => new DestinationSnapshot { Name = $"d{i + 1}", Address = a }).ToArray();
        return StartAsync(null, [], options with
        {
            // The edit comes after, so it sees the cluster as the test wants it.
            Caller = s => edit(s with { Clusters = [s.Clusters[0] with { Kind = ClusterKind.Plain, ExpectedIdentity = null, Destinations = [.. destinations] }] }),
        });
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await Pair.DisposeAsync();
        if (_owned is not null) await _owned.DisposeAsync();
    }

    private static async Task<HttpPair> StartAsync(TestApp? owned, string[] apps, HttpPairOptions options)
    {
        var pair = await SidecarPair.StartAsync(new SidecarPairOptions
        {
            App = apps.FirstOrDefault() ?? "127.0.0.1:1",
            Replicas = [.. apps.Skip(1)],
            EditCaller = options.Caller,
            EditCallee = options.Callee,
            CallerEvents = options.CallerEvents,
            CalleeEvents = options.CalleeEvents,
            Pipeline = services => new TrafficPipeline(options.Services(services with { Time = options.Time })),
        });
        var client = new HttpClient(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, ActivityHeadersPropagator = null })
        {
            BaseAddress = pair.OutboundUri,
            DefaultRequestVersion = options.Http2 ? HttpVersion.Version20 : HttpVersion.Version11,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Timeout = TimeSpan.FromSeconds(100),
        };
        return new HttpPair(pair, owned, client);
    }
}

internal sealed record HttpPairOptions
{
    public bool Http2 { get; init; }

    /// <summary>The policies' clock. The tunnel under them keeps the real one: its pings would not survive a leap.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Changes what the pipelines of both sidecars are given.</summary>
    public Func<PipelineServices, PipelineServices> Services { get; init; } = static s => s;

    /// <summary>Real telemetry in place of the recorder.</summary>
    public IMeshEvents? CallerEvents { get; init; }

    public IMeshEvents? CalleeEvents { get; init; }

    public Func<MeshSnapshot, MeshSnapshot> Caller { get; init; } = static s => s;

    public Func<MeshSnapshot, MeshSnapshot> Callee { get; init; } = static s => s;

    public HttpPairOptions WithRoute(Func<RouteSnapshot, RouteSnapshot> edit)
    {
        var before = Caller;
        return this with
        {
            Caller = s =>
            {
                s = before(s);
                return s with { Outbound = [s.Outbound[0] with { Routes = [.. s.Outbound[0].Routes.Select(edit)] }] };
            },
        };
    }

    public HttpPairOptions WithRetry(RetryPolicy? retry = null) => WithRoute(r => r with { Retry = retry ?? new RetryPolicy { BackoffBase = TimeSpan.FromMilliseconds(1), BackoffMax = TimeSpan.FromMilliseconds(2) } });

    public HttpPairOptions WithCluster(Func<ClusterSnapshot, ClusterSnapshot> edit)
    {
        var before = Caller;
        return this with { Caller = s => (s = before(s)) with { Clusters = [.. s.Clusters.Select(edit)] } };
    }

    public HttpPairOptions WithInbound(Func<InboundEndpoint, InboundEndpoint> edit)
    {
        var before = Callee;
        return this with { Callee = s => (s = before(s)) with { Inbound = s.Inbound with { Endpoints = [edit(s.Inbound.Endpoints[0]) with { WorksOnRequests = true }] } } };
    }
}
