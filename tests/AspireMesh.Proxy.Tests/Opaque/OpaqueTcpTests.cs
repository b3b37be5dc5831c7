using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using AspireMesh.Protocol.Model;
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
