using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using AspireMesh.Protocol.Faults;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Runtime;
using AspireMesh.Proxy.Tests.Pairs;
using AspireMesh.TestKit;

namespace AspireMesh.Proxy.Tests.Passthrough;

/// <summary>client → web's sidecar, which reads the hello ═mTLS═ api's sidecar → one of two apps that end the client's TLS themselves.</summary>
public sealed class TlsRouteTests : IAsyncLifetime
{
    private readonly CancellationTokenSource _patience = new(TimeSpan.FromSeconds(60));
    private readonly TestCertificates _authority = new();
    private readonly int _gateway = FreePort.Next();
    private TlsApp _tls = null!;
    private TcpApp _shop = null!;
    private TcpApp _bank = null!;
    private SidecarPair _pair = null!;

    public async ValueTask InitializeAsync()
    {
        _tls = new TlsApp(_authority);
        _shop = _tls.Start("shop", "shop.test", "any.shop.test");
        _bank = _tls.Start("bank", "bank.test");
        _pair = await SidecarPair.StartAsync(new SidecarPairOptions { Protocol = AppProtocol.Tcp, App = _shop.Address, EditCallee = WithBank, EditCaller = WithRoutes });
    }

    public async ValueTask DisposeAsync()
    {
        await _pair.DisposeAsync();
        await _shop.DisposeAsync();
        await _bank.DisposeAsync();
        _patience.Dispose();
    }

    [Theory]
    [InlineData("shop.test", "shop", false)]
    [InlineData("any.shop.test", "shop", false)]
    [InlineData("bank.test", "bank", false)]
    [InlineData("shop.test", "shop", true)]
    [InlineData("bank.test", "bank", true)]
    public async Task The_name_in_the_hello_chooses_the_app_that_ends_the_tls(string name, string expected, bool gateway)
    {
        Assert.Equal(expected, await AskAsync(name, gateway));
        var (start, end) = await RecordedEvents.EventuallyAsync(() => _pair.CallerEvents.Connections.Select(c => ((ConnectionStart Start, ConnectionEnd End)?)c).FirstOrDefault());
        Assert.Equal((gateway ? MeshSide.Gateway : MeshSide.Outbound, "api", expected == "shop" ? "tcp" : "bank", $"to-{expected}"), (start.Side, start.Workload, start.Endpoint, start.Route));
        Assert.Null(end.Error);
    }

    [Theory]
    [InlineData("other.test", false)]
    [InlineData("other.test", true)]
    [InlineData(null, false)]
    public async Task A_name_that_no_route_has_meets_an_alert_and_no_app(string? name, bool gateway)
    {
        var failure = await Assert.ThrowsAnyAsync<AuthenticationException>(() => AskAsync(name, gateway));
        Assert.Contains("unrecognized name", failure.ToString(), StringComparison.OrdinalIgnoreCase);
        var refusal = await _pair.CallerEvents.RefusalAsync(RefusalReason.UnknownEndpoint);
        Assert.Equal(gateway ? MeshSide.Gateway : MeshSide.Outbound, refusal.Side);
        Assert.Equal(0, _shop.Connections + _bank.Connections);
    }

    [Fact]
    public async Task A_hello_in_single_bytes_and_records_of_three_arrives_as_it_was_sent()
    {
        using var client = await ConnectAsync(_pair.Outbound);
        Assert.Equal("bank", await _tls.AskAsync(new DrippingStream(client.GetStream()), "bank.test", _patience.Token));
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n")]
    [InlineData("\u0016\u0003\u0001\u0000\u0000")]
    [InlineData("\u0016\u0003\u0001\u0000\u0004\u0001\u0010\u0000\u0000")]
    public async Task What_is_no_hello_is_cut_and_counted(string bytes)
    {
        using var client = await ConnectAsync(_pair.Outbound);
        await client.GetStream().WriteAsync(System.Text.Encoding.Latin1.GetBytes(bytes));
        await Assert.ThrowsAnyAsync<IOException>(async () => await client.GetStream().ReadExactlyAsync(new byte[1], _patience.Token));
        await _pair.CallerEvents.RefusalAsync(RefusalReason.Malformed);
        Assert.Equal(0, _shop.Connections + _bank.Connections);
    }

    [Fact]
    public async Task A_caller_that_stops_in_the_middle_of_its_hello_is_let_go()
    {
        var hello = await Hellos.RealAsync("shop.test");
        using (var client = await ConnectAsync(_pair.Outbound)) await client.GetStream().WriteAsync(hello.AsMemory(0, 20));
        Assert.Contains("Incomplete", (await _pair.CallerEvents.RefusalAsync(RefusalReason.Malformed)).Detail);
    }

    [Fact]
    public async Task The_callee_decides_by_identity_as_for_every_opaque_connection()
    {
        await _pair.ApplyCalleeAsync(_pair.CalleeSnapshot with { Inbound = _pair.CalleeSnapshot.Inbound with { Endpoints = [.. _pair.CalleeSnapshot.Inbound.Endpoints.Select(e => e.Name == "bank" ? e with { Authorization = [] } : e)] } });
        await Assert.ThrowsAnyAsync<Exception>(() => AskAsync("bank.test"));
        await _pair.CalleeEvents.RefusalAsync(RefusalReason.Denied);
        Assert.Equal(0, _bank.Connections);
        Assert.Equal("shop", await AskAsync("shop.test"));
    }

    [Fact]
    public async Task Caps_of_the_edge_hold_over_all_its_routes()
    {
        await _pair.ApplyCallerAsync(_pair.CallerSnapshot with { Outbound = [_pair.CallerSnapshot.Outbound[0] with { Limits = new ConcurrencyPolicy { MaxConnections = 1 } }] });
        using var held = await ConnectAsync(_pair.Outbound);
        await held.GetStream().WriteAsync(await Hellos.RealAsync("shop.test"));
        await RecordedEvents.EventuallyAsync<bool>(() => _shop.Connections == 1 ? true : null);
        await Assert.ThrowsAnyAsync<Exception>(() => AskAsync("bank.test"));
        await _pair.CallerEvents.RefusalAsync(RefusalReason.Limit);
        Assert.Equal(0, _bank.Connections);
    }

    [Fact]
    public async Task A_fault_of_one_endpoint_hits_the_route_that_leads_there()
    {
        var fault = new FaultRule { Id = "broken", From = "web", To = "api", Endpoint = "bank", Fault = new Fault { Kind = FaultKinds.Reset } };
        await _pair.ApplyCallerAsync(_pair.CallerSnapshot with { Faults = [fault] });
        await Assert.ThrowsAnyAsync<Exception>(() => AskAsync("bank.test"));
        Assert.Equal(["broken"], _pair.CallerEvents.Faults);
        Assert.Equal("shop", await AskAsync("shop.test"));
    }

    private MeshSnapshot WithBank(MeshSnapshot callee) => callee with
    {
        Inbound = callee.Inbound with { Endpoints = [callee.Inbound.Endpoints[0], callee.Inbound.Endpoints[0] with { Name = "bank", App = _bank.Address }] },
    };

    private MeshSnapshot WithRoutes(MeshSnapshot caller)
    {
        TlsRouteSnapshot[] routes =
        [
            new() { Name = "to-shop", ServerNames = ["shop.test", "*.shop.test"], Clusters = [new ClusterWeight("api.tcp", 1)] },
            new() { Name = "to-bank", ServerNames = ["bank.test"], Clusters = [new ClusterWeight("api.bank", 1)] },
        ];
        return caller with
        {
            Requires = [SnapshotFeatures.TlsRoutes],
            Outbound = [caller.Outbound[0] with { Cluster = null, TlsRoutes = [.. routes] }],
            Gateways = [new GatewayListener { Name = "door", Listen = $"127.0.0.1:{_gateway}", TlsRoutes = [.. routes] }],
            Clusters = [caller.Clusters[0], caller.Clusters[0] with { Name = "api.bank", Endpoint = "bank" }],
        };
    }

    private async Task<string> AskAsync(string? name, bool gateway = false)
    {
        using var client = await ConnectAsync(gateway ? new IPEndPoint(IPAddress.Loopback, _gateway) : _pair.Outbound);
        return await _tls.AskAsync(client.GetStream(), name, _patience.Token);
    }

    private async Task<TcpClient> ConnectAsync(IPEndPoint to)
    {
        var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync(to, _patience.Token);
        return client;
    }

    /// <summary>Sends its first write in records of three bytes and segments of one.</summary>
    private sealed class DrippingStream(NetworkStream inner) : Stream
    {
        private bool _begun;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override void Flush() { }

        public override int Read(byte[] buffer, int offset, int count) => inner.Read(buffer, offset, count);

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => inner.ReadAsync(buffer, cancellationToken);

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => WriteAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_begun)
            {
                await inner.WriteAsync(buffer, cancellationToken);
                return;
            }
            _begun = true;
            foreach (var one in Hellos.InRecordsOf(3, buffer.ToArray())) await inner.WriteAsync(new[] { one }, cancellationToken);
        }
    }
}
