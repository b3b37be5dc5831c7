using System.Net;
using System.Net.Sockets;
using AspireMesh.Protocol.Identity;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Runtime;
using AspireMesh.Proxy.Sockets;
using AspireMesh.Proxy.Tests.Pairs;
using AspireMesh.Proxy.Tls;
using AspireMesh.Proxy.Tunnel;
using AspireMesh.Proxy.Tunnel.Multiplexing;
using AspireMesh.TestKit;
using Microsoft.Extensions.Time.Testing;

namespace AspireMesh.Proxy.Tests.Tunnel;

/// <summary>The dialer against a real callee.</summary>
public class TunnelDialerTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Streams_of_requests_share_a_connection_and_opaque_ones_get_their_own()
    {
        await using var app = Echo();
        await using var pair = await PairAsync(app);
        await using var dialer = Dialer(pair, pair.CallerSvids);
        await using var first = await OpenAsync(dialer, pair, StreamKind.Http1);
        await using var second = await OpenAsync(dialer, pair, StreamKind.Http2);
        Assert.Equal(1, pair.CalleeEvents.Handshakes);
        await using var opaque = await OpenAsync(dialer, pair, StreamKind.Tcp);
        Assert.Equal(2, pair.CalleeEvents.Handshakes);
        foreach (var stream in new[] { first, second, opaque }) await EchoAsync(stream);
        Assert.Equal(pair.Certificates.IdOf("api"), first.Peer!.ToString());
    }

    [Fact]
    public async Task After_a_new_svid_new_streams_use_a_new_connection_and_old_ones_go_on()
    {
        await using var app = Echo();
        await using var pair = await PairAsync(app);
        await using var dialer = Dialer(pair, pair.CallerSvids);
        await using var before = await OpenAsync(dialer, pair, StreamKind.Http1);
        pair.CallerSvids.Replace(pair.Certificates.Svid("web"));
        await using var after = await OpenAsync(dialer, pair, StreamKind.Http1);
        await EchoAsync(before);
        await EchoAsync(after);
        Assert.Equal(2, pair.CalleeEvents.Handshakes);
    }

    [Fact]
    public async Task While_the_callee_replaces_its_svid_every_stream_is_opened_at_the_first_call()
    {
        await using var app = Echo();
        await using var pair = await PairAsync(app);
        await using var dialer = Dialer(pair, pair.CallerSvids);
        for (var i = 0; i < 30; i++)
        {
            pair.CalleeSvids.Replace(pair.Certificates.Svid("api"));
            await using var stream = await OpenAsync(dialer, pair, StreamKind.Http1);
            await EchoAsync(stream);
        }
    }

    [Fact]
    public async Task A_callee_that_came_back_is_dialled_anew()
    {
        await using var app = Echo();
        await using var pair = await PairAsync(app);
        await using var dialer = Dialer(pair, pair.CallerSvids);
        await using (var before = await OpenAsync(dialer, pair, StreamKind.Http1)) await EchoAsync(before);
        await pair.Callee.DisposeAsync();
        var error = await Assert.ThrowsAsync<DialException>(async () => await OpenAsync(dialer, pair, StreamKind.Http1));
        Assert.Equal(DialError.Connect, error.Error);
        await using var again = await SidecarPair.StartAsync(new SidecarPairOptions { Protocol = Protocol.Model.AppProtocol.Tcp, App = app.Address });
        await again.ApplyCalleeAsync(again.CalleeSnapshot with { TrustBundle = [pair.Certificates.RootPem], Inbound = again.CalleeSnapshot.Inbound with { Listen = pair.CalleeSnapshot.Inbound.Listen } });
        again.CalleeSvids.Replace(pair.Certificates.Svid("api"));
        await using var after = await OpenAsync(dialer, pair, StreamKind.Http1);
        await EchoAsync(after);
    }

    [Fact]
    public async Task Each_reason_not_to_open_has_its_name()
    {
        await using var app = Echo();
        await using var pair = await PairAsync(app);
        await using var stranger = Dialer(pair, new FixedSvids(pair.Certificates, pair.Certificates.Svid("stranger")));
        Assert.Equal(DialError.Denied, (await Assert.ThrowsAsync<DialException>(async () => await OpenAsync(stranger, pair, StreamKind.Http1))).Error);
        await using var dialer = Dialer(pair, pair.CallerSvids);
        var cluster = pair.CallerSnapshot.Clusters[0];
        Assert.Equal(DialError.AppUnreachable, await FailureAsync(dialer, cluster with { Endpoint = "nothing" }));
        Assert.Equal(DialError.Handshake, await FailureAsync(dialer, cluster with { ExpectedIdentity = pair.Certificates.IdOf("other") }));
        Assert.Equal(DialError.Handshake, await FailureAsync(dialer, cluster with { Destinations = [new() { Name = "app", Address = app.Address }] }));
        await app.DisposeAsync();
        Assert.Equal(DialError.AppUnreachable, await FailureAsync(dialer, cluster));
    }

    [Fact]
    public async Task An_svid_that_ran_out_opens_no_new_stream_on_an_old_connection()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var app = Echo();
        await using var pair = await PairAsync(app, time);
        var brief = pair.Certificates.Issue(new SvidShape { Uris = [pair.Certificates.IdOf("web")], NotAfter = time.GetUtcNow().AddSeconds(10) });
        await using var dialer = Dialer(pair, new FixedSvids(pair.Certificates, brief), time);
        await using var stream = await OpenAsync(dialer, pair, StreamKind.Http1);
        // Past the SVID's end, short of the keep-alive's: silence must not be what ends the old connection.
        time.Advance(TimeSpan.FromSeconds(12));
        // In TLS 1.3 the dialling side has finished its handshake before the other looks at its certificate, so it sees a connection that breaks, or its own end retires the new one first.
        Assert.Contains(await FailureAsync(dialer, pair.CallerSnapshot.Clusters[0]), new[] { DialError.Handshake, DialError.Broken, DialError.Refused });
        await EchoAsync(stream);
    }

    [Fact]
    public async Task An_opaque_stream_that_nobody_waits_for_any_more_leaves_no_connection_behind()
    {
        await using var app = Echo();
        await using var pair = await PairAsync(app);
        await using var dialer = Dialer(pair, pair.CallerSvids);
        using var between = new TcpListener(IPAddress.Loopback, 0);
        between.Start();
        using var given = new CancellationTokenSource();
        var opening = OpenOverAsync(dialer, pair, between, given.Token);
        using var caller = await between.AcceptTcpClientAsync();
        await given.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => opening.WaitAsync(Patience));
        // Only now does the callee answer: the handshake is finished for nobody.
        using var callee = await RelayAsync(pair, caller);
        await Task.WhenAny(caller.GetStream().CopyToAsync(callee.GetStream())).WaitAsync(Patience);
    }

    [Fact]
    public async Task A_connection_of_an_opaque_stream_that_the_other_end_closed_is_closed_here_too()
    {
        await using var app = Echo();
        await using var pair = await PairAsync(app);
        await using var dialer = Dialer(pair, pair.CallerSvids);
        using var between = new TcpListener(IPAddress.Loopback, 0);
        between.Start();
        var opening = OpenOverAsync(dialer, pair, between, CancellationToken.None);
        using var caller = await between.AcceptTcpClientAsync();
        using var callee = await RelayAsync(pair, caller);
        var there = caller.GetStream().CopyToAsync(callee.GetStream());
        await using var stream = await opening.WaitAsync(Patience);
        await EchoAsync(stream);
        caller.Client.Shutdown(SocketShutdown.Send);
        // The app still holds its stream.
        await Task.WhenAny(there).WaitAsync(Patience);
    }

    private static Task<HalfCloseStream> OpenOverAsync(TunnelDialer dialer, SidecarPair pair, TcpListener between, CancellationToken cancellationToken)
    {
        var cluster = pair.CallerSnapshot.Clusters[0];
        return dialer.OpenAsync(cluster, cluster.Destinations[0] with { Address = between.LocalEndpoint.ToString()! }, StreamKind.Tcp, default, cancellationToken).AsTask();
    }

    // What the callee says reaches the caller; the other direction is the test's own.
    private static async Task<TcpClient> RelayAsync(SidecarPair pair, TcpClient caller)
    {
        var callee = new TcpClient();
        await callee.ConnectAsync(IPEndPoint.Parse(pair.CallerSnapshot.Clusters[0].Destinations[0].Address));
        _ = callee.GetStream().CopyToAsync(caller.GetStream());
        return callee;
    }

    private static TcpApp Echo() => TcpApp.Start(static s => s.CopyToAsync(s));

    private static Task<SidecarPair> PairAsync(TcpApp app, TimeProvider? time = null) =>
        SidecarPair.StartAsync(new SidecarPairOptions { Protocol = Protocol.Model.AppProtocol.Tcp, App = app.Address, Sidecar = new MeshSidecarOptions { TimeProvider = time ?? TimeProvider.System } });

    private static TunnelDialer Dialer(SidecarPair pair, ISvidSource svids, TimeProvider? time = null)
    {
        var clock = time ?? TimeProvider.System;
        var handshake = new MeshHandshake(svids, new PeerValidator(TrustDomain.Parse(pair.Certificates.TrustDomain), new TrustBundle(svids), clock));
        var options = new TunnelPoolOptions { Tunnel = new TunnelOptions { Time = clock } };
        return new TunnelDialer(new TunnelConnector(handshake, new RecordedEvents(), options), new OutsideDialer(), svids, new RecordedEvents(), options);
    }

    private static async Task<HalfCloseStream> OpenAsync(TunnelDialer dialer, SidecarPair pair, StreamKind kind) =>
        await dialer.OpenAsync(pair.CallerSnapshot.Clusters[0], pair.CallerSnapshot.Clusters[0].Destinations[0], kind, default, default).AsTask().WaitAsync(Patience);

    private static async Task<DialError> FailureAsync(TunnelDialer dialer, ClusterSnapshot cluster) =>
        (await Assert.ThrowsAsync<DialException>(async () => await dialer.OpenAsync(cluster, cluster.Destinations[0], StreamKind.Http1, default, default).AsTask().WaitAsync(Patience))).Error;

    private static async Task EchoAsync(Stream stream)
    {
        await stream.WriteAsync("ping"u8.ToArray());
        var answer = new byte[4];
        await stream.ReadExactlyAsync(answer).AsTask().WaitAsync(Patience);
        Assert.Equal("ping"u8.ToArray(), answer);
    }
}
