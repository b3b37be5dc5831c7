using System.Diagnostics;
using AspireMesh.Protocol.Policies;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Http;
using AspireMesh.Proxy.Outbound;
using AspireMesh.Proxy.Outbound.Deadlines;
using AspireMesh.Proxy.Outbound.Forwarding;
using AspireMesh.Proxy.Outbound.LoadBalancing;
using AspireMesh.Proxy.Outbound.Mirroring;
using AspireMesh.Proxy.Outbound.Routing;
using AspireMesh.Proxy.Outbound.TrafficSplit;
using AspireMesh.Proxy.Runtime;
using AspireMesh.Proxy.Sockets;
using AspireMesh.Proxy.Tunnel;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Time.Testing;

namespace AspireMesh.Proxy.Tests.Outbound;

/// <summary>Which requests are copied, how many copies may be under way, and that a copy has an end of its own.</summary>
public sealed class MirrorTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly Events _events = new();
    private readonly Cluster _shadow;
    private readonly DestinationClients _clients;

    public MirrorTests()
    {
        _shadow = new Clusters().Apply(Clusters.Of("shadow"));
        _clients = new DestinationClients(new SilentDialer(), _time);
    }

    public void Dispose() => _clients.Dispose();

    [Fact]
    public void A_share_of_the_requests_is_copied()
    {
        var mirror = new Mirror(_time, new Chance(3), _events, _clients);
        for (var i = 0; i < 10_000; i++) mirror.Begin(Request(percent: 12.5));
        // 99.9 % of the binomial distribution.
        Assert.InRange(_events.Sent + _events.LeftOut, 1250 - 109, 1250 + 109);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(100, 50)]
    public void None_and_all_are_exact(double percent, int copies)
    {
        var mirror = new Mirror(_time, new Chance(3), _events, _clients);
        for (var i = 0; i < 50; i++) mirror.Begin(Request(percent));
        Assert.Equal(copies, _events.Sent);
    }

    [Fact]
    public async Task Copies_that_nobody_answers_are_bounded_and_end_at_the_time_limit_of_their_own()
    {
        var mirror = new Mirror(_time, new Chance(3), _events, _clients);
        for (var i = 0; i < 150; i++) mirror.Begin(Request(percent: 100));
        Assert.Equal((100, 50), (_events.Sent, _events.LeftOut));
        Assert.Equal(100, _shadow.Destinations[0].State.Outstanding);

        _time.Advance(TimeSpan.FromSeconds(2));
        while (_shadow.Destinations[0].State.Outstanding > 0) await Task.Yield();
        mirror.Begin(Request(percent: 100));
        Assert.Equal((101, 50), (_events.Sent, _events.LeftOut));
    }

    [Fact]
    public void An_upgrade_is_no_request_that_could_be_had_twice()
    {
        var mirror = new Mirror(_time, new Chance(3), _events, _clients);
        var request = Request(percent: 100);
        request.Context.Request.Headers.Connection = "Upgrade";
        request.Context.Request.Headers.Upgrade = "websocket";
        request.Context.Features.Set<IHttpUpgradeFeature>(new Upgrade());
        mirror.Begin(request);
        Assert.Equal(0, _events.Sent + _events.LeftOut);
    }

    private OutboundRequest Request(double percent)
    {
        var context = new DefaultHttpContext();
        (context.Request.Method, context.Request.Scheme, context.Request.Host, context.Request.Path, context.Request.Protocol) = ("GET", "http", new HostString("api"), "/", "HTTP/1.1");
        var timeouts = new TimeoutPolicy { Request = TimeSpan.FromSeconds(2) };
        var leg = new RouteLeg(_shadow, null);
        var route = new CompiledRoute(new RouteSnapshot { Name = "r", Clusters = [new("c", 1)], Timeouts = timeouts, Mirror = new MirrorTarget("c", percent) }, [], new WeightedSplit<RouteLeg>([(leg, 1)]), null, null, _shadow);
        return new OutboundRequest(context, CallerIdentity.Unknown, route, leg, null, _events, new RequestDeadline(_time, timeouts, null));
    }

    /// <summary>Opens nothing, until it is told to stop.</summary>
    private sealed class SilentDialer : ITunnelDialer
    {
        public async ValueTask<HalfCloseStream> OpenAsync(ClusterSnapshot cluster, DestinationSnapshot destination, StreamKind kind, ActivityContext trace, CancellationToken cancellationToken)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
            throw new UnreachableException();
        }
    }

    private sealed class Upgrade : IHttpUpgradeFeature
    {
        public bool IsUpgradableRequest => true;

        public Task<Stream> UpgradeAsync() => throw new InvalidOperationException("nothing is upgraded here");
    }

    private sealed class Events : IMeshEvents, IRequestEvents
    {
        public int Sent { get; private set; }

        public int LeftOut { get; private set; }

        ActivityContext IRequestEvents.Trace => default;

        public IRequestEvents RequestStarted(in RequestStart request) => this;

        public void Mirrored(ClusterSnapshot cluster, string route, bool sent)
        {
            if (sent) Sent++;
            else LeftOut++;
        }

        IAttemptEvents IRequestEvents.AttemptStarted(ClusterSnapshot cluster, DestinationSnapshot destination, int number) => throw new InvalidOperationException("no attempt is made here");

        void IRequestEvents.Ended(in RequestEnd end)
        {
        }
    }
}
