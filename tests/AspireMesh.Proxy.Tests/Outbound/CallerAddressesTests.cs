using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Runtime;
using AspireMesh.Proxy.Tests.Pairs;
using AspireMesh.TestKit;

namespace AspireMesh.Proxy.Tests.Outbound;

/// <summary>Listeners that take some addresses only. Every address of 127.0.0.0/8 is this machine's, so callers of several addresses need no network of their own.</summary>
public class CallerAddressesTests
{
    private const string App = "127.0.0.2";
    private const string Neighbour = "127.0.0.3";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(AppProtocol.Tcp)]
    [InlineData(AppProtocol.Http)]
    public async Task The_apps_own_address_is_taken_and_another_gets_nothing(AppProtocol protocol)
    {
        await using var app = TcpApp.Start(Answer);
        await using var pair = await SidecarPair.StartAsync(new SidecarPairOptions { Protocol = protocol, App = app.Address, EditCaller = s => TakesFrom(s, App) });

        Assert.StartsWith("HTTP/1.1 200", await AskAsync(pair.Outbound, App));
        Assert.Equal("", await AskAsync(pair.Outbound, Neighbour));

        var refusal = await pair.CallerEvents.RefusalAsync(RefusalReason.Denied);
        Assert.Equal((MeshSide.Outbound, Neighbour), (refusal.Side, refusal.Caller));
        Assert.Equal(1, app.Connections);
    }

    [Fact]
    public async Task The_forward_proxy_takes_the_apps_own_address_and_no_other()
    {
        await using var app = TcpApp.Start(Answer);
        var proxy = new EgressListener { Listen = $"127.0.0.1:{FreePort.Next()}", Mode = EgressMode.Refuse, TakesFrom = [App] };
        await using var pair = await SidecarPair.StartAsync(new SidecarPairOptions { App = app.Address, EditCaller = s => s with { Egress = proxy } });

        Assert.StartsWith("HTTP/1.1 403", await AskAsync(IPEndPoint.Parse(proxy.Listen), App));
        Assert.Equal("", await AskAsync(IPEndPoint.Parse(proxy.Listen), Neighbour));

        var refusal = await pair.CallerEvents.RefusalAsync(RefusalReason.Denied);
        Assert.Equal((MeshSide.Egress, Neighbour), (refusal.Side, refusal.Caller));
    }

    [Fact]
    public async Task Who_is_quicker_than_the_news_of_its_address_is_held_until_it_comes()
    {
        await using var app = TcpApp.Start(Answer);
        await using var pair = await SidecarPair.StartAsync(new SidecarPairOptions { Protocol = AppProtocol.Tcp, App = app.Address, EditCaller = s => TakesFrom(s) });

        var early = AskAsync(pair.Outbound, App);
        var stranger = AskAsync(pair.Outbound, Neighbour);
        await pair.ApplyCallerAsync(pair.CallerSnapshot);
        Assert.Equal(0, app.Connections);
        await pair.ApplyCallerAsync(TakesFrom(pair.CallerSnapshot, App));

        Assert.StartsWith("HTTP/1.1 200", await early);
        Assert.Equal("", await stranger);
    }

    [Fact]
    public async Task A_listener_that_others_can_reach_and_an_address_that_is_none_are_refused()
    {
        await using var pair = await SidecarPair.StartAsync(new SidecarPairOptions { App = "127.0.0.1:1" });
        var open = pair.CallerSnapshot with { Version = 9, Outbound = [pair.CallerSnapshot.Outbound[0] with { Listen = "0.0.0.0:40001" }] };

        Assert.Equal(
            "the outbound listener 'api.http' has the address '0.0.0.0:40001', which others can reach, and does not say whose connections it takes",
            Assert.Single(await pair.Caller.Snapshots.ApplyAsync(open, default)));
        Assert.Equal(
            "the outbound listener 'api.http' takes connections from 'box', which is no IP address",
            Assert.Single(await pair.Caller.Snapshots.ApplyAsync(TakesFrom(pair.CallerSnapshot, "box") with { Version = 9 }, default)));
        Assert.Equal(
            "the egress listener has the address '0.0.0.0:40001', which others can reach, and does not say whose connections it takes",
            Assert.Single(await pair.Caller.Snapshots.ApplyAsync(pair.CallerSnapshot with { Version = 9, Egress = new EgressListener { Listen = "0.0.0.0:40001" } }, default)));
    }

    private static MeshSnapshot TakesFrom(MeshSnapshot snapshot, params ImmutableArray<string> addresses) => snapshot with { Outbound = [snapshot.Outbound[0] with { TakesFrom = addresses }] };

    /// <summary>What the listener answers to a caller at an address; empty where it closes or breaks the connection.</summary>
    private static async Task<string> AskAsync(IPEndPoint listener, string from)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Parse(from), 0));
        try
        {
            await socket.ConnectAsync(listener);
            await using var stream = new NetworkStream(socket);
            await stream.WriteAsync("GET http://api/ HTTP/1.1\r\nHost: api\r\nConnection: close\r\n\r\n"u8.ToArray());
            using var reader = new StreamReader(stream);
            return await reader.ReadToEndAsync().WaitAsync(Patience);
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            return "";
        }
    }

    private static async Task Answer(NetworkStream stream)
    {
        _ = await stream.ReadAsync(new byte[4096]);
        await stream.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"u8.ToArray());
    }
}
