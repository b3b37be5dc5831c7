using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using AspireMesh.Protocol.Faults;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;
using AspireMesh.Proxy.Runtime;
using AspireMesh.Proxy.Tests.Pairs;

namespace AspireMesh.Proxy.Tests.Opaque;

public class OpaqueTcpTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Bytes_go_both_ways_over_mtls()
    {
        await using var app = TcpApp.Start(static async s => await s.WriteAsync((await ReadAllAsync(s)).Reverse().ToArray()));
        await using var pair = await SidecarPair.StartAsync(new SidecarPairOptions { Protocol = AppProtocol.Tcp, App = app.Address });
        using var client = await ConnectAsync(pair.Outbound);
        var stream = client.GetStream();
        await stream.WriteAsync("abc"u8.ToArray());
        client.Client.Shutdown(SocketShutdown.Send);
        Assert.Equal("cba"u8.ToArray(), await ReadAllAsync(stream).WaitAsync(Patience));
        Assert.Equal(1, pair.CalleeEvents.Handshakes);
    }

    [Fact]
    public async Task A_server_may_speak_first()
    {
        await using var app = TcpApp.Start(static async s => await s.WriteAsync("220 ready\r\n"u8.ToArray()));
        await using var pair = await SidecarPair.StartAsync(new SidecarPairOptions { Protocol = AppProtocol.Tcp, App = app.Address });
        using var client = await ConnectAsync(pair.Outbound);
        Assert.Equal("220 ready\r\n"u8.ToArray(), await ReadAllAsync(client.GetStream()).WaitAsync(Patience));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Half_close_works_from_either_side_after_a_large_transfer(bool clientEndsFirst)
    {
        var up = RandomNumberGenerator.GetBytes(8 * 1024 * 1024);
        var down = RandomNumberGenerator.GetBytes(8 * 1024 * 1024);
        var received = new TaskCompletionSource<byte[]>();
        await using var app = TcpApp.Start(async s =>
        {
            if (clientEndsFirst)
            {
                received.SetResult(await ReadAllAsync(s));
                await s.WriteAsync(down);
                return;
            }
            await s.WriteAsync(down);
            s.Socket.Shutdown(SocketShutdown.Send);
            received.SetResult(await ReadAllAsync(s));
        });
        await using var pair = await SidecarPair.StartAsync(new SidecarPairOptions { Protocol = AppProtocol.Tcp, App = app.Address });
        using var client = await ConnectAsync(pair.Outbound);
        var stream = client.GetStream();
        byte[] got;
        if (clientEndsFirst)
        {
            await stream.WriteAsync(up);
            client.Client.Shutdown(SocketShutdown.Send);
            got = await ReadAllAsync(stream).WaitAsync(Patience);
        }
        else
        {
            got = await ReadAllAsync(stream).WaitAsync(Patience);
            await stream.WriteAsync(up);
            client.Client.Shutdown(SocketShutdown.Send);
        }
        Assert.True(down.AsSpan().SequenceEqual(got));
        var sent = await received.Task.WaitAsync(Patience);
        Assert.True(up.AsSpan().SequenceEqual(sent));
        var (_, end) = await RecordedEvents.EventuallyAsync(() => pair.CallerEvents.Connections.Select(c => ((Proxy.Runtime.ConnectionStart, Proxy.Runtime.ConnectionEnd)?)c).FirstOrDefault());
        Assert.Null(end.Error);
        Assert.Equal((up.Length, down.Length), (end.BytesSent, end.BytesReceived));
    }

    [Fact]
    public async Task An_app_that_breaks_the_connection_is_seen_as_a_break_not_as_an_end()
    {
        await using var app = TcpApp.Start(static async s =>
        {
            await s.WriteAsync(new byte[100]);
            _ = await s.ReadAsync(new byte[1]);
            // Disposing the socket itself: the stream would send an orderly end first.
            s.Socket.LingerState = new LingerOption(true, 0);
            s.Socket.Dispose();
        });
        await using var pair = await SidecarPair.StartAsync(new SidecarPairOptions { Protocol = AppProtocol.Tcp, App = app.Address });
        using var client = await ConnectAsync(pair.Outbound);
        var stream = client.GetStream();
        await stream.ReadExactlyAsync(new byte[100]).AsTask().WaitAsync(Patience);
        await stream.WriteAsync(new byte[1]);
        await Assert.ThrowsAnyAsync<IOException>(() => ReadAllAsync(stream).WaitAsync(Patience));
    }

    [Fact]
    public async Task A_destination_that_takes_no_connection_is_passed_over()
    {
        await using var app = TcpApp.Start(static async s => await s.WriteAsync("here"u8.ToArray()));
        await using var pair = await SidecarPair.StartAsync(new SidecarPairOptions
        {
            Protocol = AppProtocol.Tcp,
            App = app.Address,
            EditCaller = s => s with { Clusters = [s.Clusters[0] with { Destinations = [new() { Name = "gone", Address = $"127.0.0.1:{TestKit.FreePort.Next()}" }, .. s.Clusters[0].Destinations] }] },
        });
        using var client = await ConnectAsync(pair.Outbound);
        Assert.Equal("here"u8.ToArray(), await ReadAllAsync(client.GetStream()).WaitAsync(Patience));
    }

    [Fact]
    public async Task Beyond_the_edges_cap_a_connection_is_refused_and_a_place_that_is_left_can_be_taken()
    {
        await using var app = TcpApp.Start(static s => s.CopyToAsync(s));
        await using var pair = await SidecarPair.StartAsync(new SidecarPairOptions
        {
            Protocol = AppProtocol.Tcp,
            App = app.Address,
            EditCaller = static s => s with { Outbound = [s.Outbound[0] with { Limits = new ConcurrencyPolicy { MaxConnections = 1 } }] },
        });
        using (var first = await ConnectAsync(pair.Outbound))
        {
            await first.GetStream().WriteAsync(new byte[1]);
            Assert.Equal(1, await first.GetStream().ReadAsync(new byte[1]).AsTask().WaitAsync(Patience));
            // The refusal may come as early as in the client's connect.
            await Record.ExceptionAsync(async () => (await ConnectAsync(pair.Outbound)).Dispose());
            await pair.CallerEvents.RefusalAsync(RefusalReason.Limit);
        }
        await RecordedEvents.EventuallyAsync(() => pair.CallerEvents.Connections.Count == 1 ? true : (bool?)null);
        using var third = await ConnectAsync(pair.Outbound);
        await third.GetStream().WriteAsync(new byte[1]);
        Assert.Equal(1, await third.GetStream().ReadAsync(new byte[1]).AsTask().WaitAsync(Patience));
    }

    [Fact]
    public async Task A_reset_fault_breaks_the_connection_and_is_counted()
    {
        await using var app = TcpApp.Start(static s => s.CopyToAsync(s));
        var reset = new FaultRule { Id = "cut", To = "api", Fault = new Fault { Kind = FaultKinds.Reset }, Activation = new FaultActivation { First = 1 } };
        await using var pair = await SidecarPair.StartAsync(new SidecarPairOptions { Protocol = AppProtocol.Tcp, App = app.Address, EditCaller = s => s with { Faults = [reset] } });
        // The reset may come as early as in the client's connect.
        var error = await Record.ExceptionAsync(async () =>
        {
            using var broken = await ConnectAsync(pair.Outbound);
            await broken.GetStream().ReadExactlyAsync(new byte[1]).AsTask().WaitAsync(Patience);
        });
        Assert.True(error is IOException and not EndOfStreamException or SocketException or InvalidOperationException, $"the connection was not reset: {error}");
        Assert.Equal(["cut"], pair.CallerEvents.Faults);
        using var whole = await ConnectAsync(pair.Outbound);
        await whole.GetStream().WriteAsync(new byte[1]);
        Assert.Equal(1, await whole.GetStream().ReadAsync(new byte[1]).AsTask().WaitAsync(Patience));
    }

    [Fact]
    public async Task Between_the_sidecars_nothing_can_be_read()
    {
        var secret = RandomNumberGenerator.GetBytes(64);
        await using var app = TcpApp.Start(static s => s.CopyToAsync(s));
        await using var pair = await SidecarPair.StartAsync(new SidecarPairOptions { Protocol = AppProtocol.Tcp, App = app.Address });
        using var seen = new MemoryStream();
        await using var wire = TcpApp.Start(async near =>
        {
            using var far = await ConnectAsync(pair.Inbound);
            await Task.WhenAll(TapAsync(near, far.GetStream(), seen), TapAsync(far.GetStream(), near, seen));
        });
        await pair.ApplyCallerAsync(pair.CallerSnapshot with { Clusters = [pair.CallerSnapshot.Clusters[0] with { Destinations = [new() { Name = "api", Address = wire.Address }] }] });
        using (var client = await ConnectAsync(pair.Outbound))
        {
            await client.GetStream().WriteAsync(secret);
            await client.GetStream().ReadExactlyAsync(new byte[secret.Length]).AsTask().WaitAsync(Patience);
        }
        byte[] captured;
        lock (seen) captured = seen.ToArray();
        Assert.True(captured.Length > 2 * secret.Length);
        Assert.Equal(0x16, captured[0]);
        Assert.Equal(-1, captured.AsSpan().IndexOf(secret.AsSpan(0, 8)));
        Assert.Equal(-1, captured.AsSpan().IndexOf("tcp"u8));
    }

    private static async Task TapAsync(Stream from, Stream to, MemoryStream seen)
    {
        var buffer = new byte[8192];
        int read;
        while ((read = await from.ReadAsync(buffer)) > 0)
        {
            lock (seen) seen.Write(buffer, 0, read);
            await to.WriteAsync(buffer.AsMemory(0, read));
        }
    }

    private static async Task<TcpClient> ConnectAsync(IPEndPoint endPoint)
    {
        var client = new TcpClient();
        await client.ConnectAsync(endPoint);
        return client;
    }

    private static async Task<byte[]> ReadAllAsync(Stream stream)
    {
        using var all = new MemoryStream();
        await stream.CopyToAsync(all);
        return all.ToArray();
    }
}
