using System.Buffers.Binary;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using AspireMesh.Proxy.Outbound.Farewell;
using AspireMesh.Proxy.Tests.Pipeline;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Tests.Runtime;

/// <summary>Long streams are told that a sidecar stops, in their own protocol, and end in order.</summary>
public class FarewellTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly byte[] Close1001 = [0x88, 0x02, 0x03, 0xe9];

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_websocket_is_closed_with_1001_on_both_ends_when_either_sidecar_stops(bool caller)
    {
        var seen = new TaskCompletionSource<WebSocketCloseStatus?>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var pair = await HttpPair.StartAsync(async c =>
        {
            using var socket = await c.WebSockets.AcceptWebSocketAsync();
            var buffer = new byte[100];
            while (await socket.ReceiveAsync(buffer, default) is { MessageType: not WebSocketMessageType.Close } received) await socket.SendAsync(buffer.AsMemory(0, received.Count), WebSocketMessageType.Text, true, default);
            seen.TrySetResult(socket.CloseStatus);
            await socket.CloseOutputAsync(WebSocketCloseStatus.EndpointUnavailable, "", default);
        });
        using var client = new ClientWebSocket();
        await client.ConnectAsync(new UriBuilder(pair.Pair.OutboundUri) { Scheme = "ws" }.Uri, default);
        var buffer = new byte[100];
        await client.SendAsync("one"u8.ToArray(), WebSocketMessageType.Text, true, default);
        Assert.Equal(3, (await client.ReceiveAsync(buffer, default)).Count);

        var stopping = (caller ? pair.Pair.Caller : pair.Pair.Callee).StopAsync(default);
        var told = await client.ReceiveAsync(buffer, default).WaitAsync(Patience);
        await client.CloseOutputAsync(WebSocketCloseStatus.EndpointUnavailable, "", default);

        Assert.Equal((WebSocketMessageType.Close, WebSocketCloseStatus.EndpointUnavailable), (told.MessageType, client.CloseStatus));
        Assert.Equal(WebSocketCloseStatus.EndpointUnavailable, await seen.Task.WaitAsync(Patience));
        await stopping.WaitAsync(Patience);
    }

    [Fact]
    public async Task A_websocket_lives_through_a_rotation_and_is_not_told_anything()
    {
        await using var pair = await HttpPair.StartAsync(async c =>
        {
            using var socket = await c.WebSockets.AcceptWebSocketAsync();
            var buffer = new byte[100];
            while (await socket.ReceiveAsync(buffer, default) is { MessageType: not WebSocketMessageType.Close } received) await socket.SendAsync(buffer.AsMemory(0, received.Count), WebSocketMessageType.Text, true, default);
            await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, "", default);
        });
        using var client = new ClientWebSocket();
        await client.ConnectAsync(new UriBuilder(pair.Pair.OutboundUri) { Scheme = "ws" }.Uri, default);
        var buffer = new byte[100];
        foreach (var text in new[] { "one", "two", "three" })
        {
            await client.SendAsync(Encoding.ASCII.GetBytes(text), WebSocketMessageType.Text, true, default);
            Assert.Equal(text, Encoding.ASCII.GetString(buffer, 0, (await client.ReceiveAsync(buffer, default)).Count));
            pair.Pair.CalleeSvids.Replace(pair.Pair.Certificates.Svid("api"));
            pair.Pair.CallerSvids.Replace(pair.Pair.Certificates.Svid("web"));
        }

        await client.CloseAsync(WebSocketCloseStatus.NormalClosure, "", default);
        Assert.Equal(WebSocketCloseStatus.NormalClosure, client.CloseStatus);
    }

    [Fact]
    public async Task An_http2_client_is_told_by_goaway_and_its_stream_finishes()
    {
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var pair = await HttpPair.StartAsync(Streaming(go.Task), new HttpPairOptions { Http2 = true });
        using var client = new TcpClient();
        await client.ConnectAsync(pair.Pair.Outbound);
        var stream = client.GetStream();
        // Preface, empty SETTINGS, and a request for / whose stream goes on until the app ends it.
        await stream.WriteAsync(Encoding.ASCII.GetBytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
        await stream.WriteAsync(new byte[] { 0, 0, 0, 4, 0, 0, 0, 0, 0 });
        byte[] head = [0x82, 0x86, 0x84, 0x01, 4, .. "load"u8];
        await stream.WriteAsync(new byte[] { 0, 0, (byte)head.Length, 1, 5, 0, 0, 0, 1 }.Concat(head).ToArray());
        Assert.Equal("begin", await UntilAsync(stream, f => f is { Type: 0, Payload.Length: > 0 }, f => Encoding.ASCII.GetString(f.Payload)));

        var stopping = pair.Pair.Caller.StopAsync(default);
        Assert.Equal(0u, await UntilAsync(stream, f => f.Type == 7, f => BinaryPrimitives.ReadUInt32BigEndian(f.Payload.AsSpan(4))));
        go.SetResult();
        var rest = "";
        await UntilAsync(stream, f =>
        {
            if (f.Type == 0) rest += Encoding.ASCII.GetString(f.Payload);
            return f.Type == 0 && (f.Flags & 1) == 1;
        }, _ => 0);

        Assert.Equal("end", rest);
        await stopping.WaitAsync(Patience);
    }

    [Fact]
    public async Task A_long_stream_ends_in_order_when_its_callees_sidecar_stops()
    {
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var pair = await HttpPair.StartAsync(Streaming(go.Task), new HttpPairOptions { Http2 = true });
        using var request = new HttpRequestMessage(HttpMethod.Get, "/") { Version = new Version(2, 0), VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        using var response = await pair.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using var body = await response.Content.ReadAsStreamAsync();
        var buffer = new byte[100];
        Assert.Equal(5, await body.ReadAsync(buffer));

        var stopping = pair.Pair.Callee.StopAsync(default);
        go.SetResult();
        using var reader = new StreamReader(body);

        Assert.Equal("end", await reader.ReadToEndAsync().WaitAsync(Patience));
        await stopping.WaitAsync(Patience);
    }

    [Fact]
    public async Task The_close_frame_stands_between_two_frames_wherever_the_bytes_are_split()
    {
        byte[][] frames = [Frame(3), Frame(0), Frame(200), Frame(70_000), Frame(5)];
        byte[] whole = [.. frames.SelectMany(f => f)];
        var ends = frames.Aggregate(new List<int> { 0 }, (all, f) => [.. all, all[^1] + f.Length]);

        foreach (var at in Enumerable.Range(0, 230).Concat([300, 40_000, whole.Length - 8, whole.Length - 1, whole.Length]))
        {
            using var written = new MemoryStream();
            using var leaving = new CancellationTokenSource();
            await using var stream = new FarewellStream(written, leaving.Token, CancellationToken.None);
            await stream.WriteAsync(whole.AsMemory(0, at), TestContext.Current.CancellationToken);
            await leaving.CancelAsync();
            await stream.WriteAsync(whole.AsMemory(at), TestContext.Current.CancellationToken);

            var end = ends.First(e => e >= at);
            Assert.Equal([.. whole[..end], .. Close1001], written.ToArray());
        }
    }

    [Fact]
    public async Task An_app_that_has_closed_its_websocket_is_sent_no_second_close()
    {
        using var written = new MemoryStream();
        using var leaving = new CancellationTokenSource();
        await using var stream = new FarewellStream(written, leaving.Token, CancellationToken.None);
        byte[] close = [0x88, 0x02, 0x03, 0xe8];

        await stream.WriteAsync(close, TestContext.Current.CancellationToken);
        await leaving.CancelAsync();

        Assert.Equal(close, written.ToArray());
    }

    private static RequestDelegate Streaming(Task go) => async c =>
    {
        await c.Response.WriteAsync("begin");
        await c.Response.Body.FlushAsync();
        await go;
        await c.Response.WriteAsync("end");
    };

    private static byte[] Frame(int length)
    {
        byte[] size = length < 126 ? [(byte)length] : length < 65536 ? [126, (byte)(length >> 8), (byte)length] : [127, 0, 0, 0, 0, (byte)(length >> 24), (byte)(length >> 16), (byte)(length >> 8), (byte)length];
        return [0x82, .. size, .. Enumerable.Repeat((byte)0x88, length)];
    }

    private static async Task<T> UntilAsync<T>(NetworkStream stream, Func<(int Type, int Flags, byte[] Payload), bool> found, Func<(int Type, int Flags, byte[] Payload), T> result)
    {
        using var limit = new CancellationTokenSource(Patience);
        var head = new byte[9];
        while (true)
        {
            await stream.ReadExactlyAsync(head, limit.Token);
            var payload = new byte[(head[0] << 16) | (head[1] << 8) | head[2]];
            await stream.ReadExactlyAsync(payload, limit.Token);
            var frame = (Type: (int)head[3], Flags: (int)head[4], Payload: payload);
            if (found(frame)) return result(frame);
        }
    }
}
