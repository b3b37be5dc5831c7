using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Rehearsal.StandIn;

/// <summary>
/// The server's side of a port-forward for one port over a WebSocket (<c>v4.channel.k8s.io</c>): the first byte of a message is its channel, 0 for data and 1 for errors,
/// and each channel begins with the port as two bytes, little endian.
/// </summary>
internal static class PodPortForward
{
    private const string Protocol = "v4.channel.k8s.io";

    public static async Task AnswerAsync(HttpContext context, string pod, Func<string, int, IPEndPoint?>? ports)
    {
        if (!context.WebSockets.IsWebSocketRequest || !int.TryParse(context.Request.Query["ports"], out var port) || ports?.Invoke(pod, port) is not { } target)
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }
        using var socket = new Socket(target.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        using var client = await context.WebSockets.AcceptWebSocketAsync(Protocol);
        try
        {
            await SendAsync(client, 0, Port(port), context.RequestAborted);
            await SendAsync(client, 1, Port(port), context.RequestAborted);
            await socket.ConnectAsync(target, context.RequestAborted);
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
            var up = UpAsync(client, socket, ended.Token);
            var down = DownAsync(client, socket, ended.Token);
            await await Task.WhenAny(up, down);
            await ended.CancelAsync();
            await Task.WhenAll(up, down);
        }
        catch (Exception e) when (e is SocketException or WebSocketException or IOException or OperationCanceledException)
        {
            context.Abort();
        }
    }

    private static async Task UpAsync(WebSocket client, Socket socket, CancellationToken cancellationToken)
    {
        var buffer = new byte[16 * 1024];
        var begin = true;
        byte channel = 0;
        while (true)
        {
            var read = await client.ReceiveAsync(buffer.AsMemory(), cancellationToken);
            if (read.MessageType == WebSocketMessageType.Close) return;
            if (begin && read.Count > 0) channel = buffer[0];
            var data = buffer.AsMemory(begin && read.Count > 0 ? 1 : 0, begin && read.Count > 0 ? read.Count - 1 : read.Count);
            begin = read.EndOfMessage;
            while (channel == 0 && !data.IsEmpty) data = data[await socket.SendAsync(data, cancellationToken)..];
        }
    }

    private static async Task DownAsync(WebSocket client, Socket socket, CancellationToken cancellationToken)
    {
        var buffer = new byte[16 * 1024];
        while (await socket.ReceiveAsync(buffer.AsMemory(), cancellationToken) is var read && read > 0) await SendAsync(client, 0, buffer.AsMemory(0, read), cancellationToken);
        await client.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, cancellationToken);
    }

    private static byte[] Port(int port)
    {
        var bytes = new byte[2];
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, (ushort)port);
        return bytes;
    }

    private static async Task SendAsync(WebSocket client, byte channel, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        byte[] message = [channel, .. data.Span];
        await client.SendAsync(message, WebSocketMessageType.Binary, endOfMessage: true, cancellationToken);
    }
}
