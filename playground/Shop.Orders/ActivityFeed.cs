using System.Net.WebSockets;
using System.Text.Json;

namespace Shop.Orders;

/// <summary>All orders' steps over one WebSocket, until the other side closes it.</summary>
internal static class ActivityFeed
{
    public static async Task SendAsync(WebSocket socket, OrderBook book, JsonSerializerOptions json, CancellationToken aborted)
    {
        using var closed = CancellationTokenSource.CreateLinkedTokenSource(aborted);
        var reading = ReadUntilClosedAsync(socket, closed);
        try
        {
            await foreach (var step in book.WatchAsync(null, closed.Token))
            {
                await socket.SendAsync(JsonSerializer.SerializeToUtf8Bytes(step, json), WebSocketMessageType.Text, endOfMessage: true, closed.Token);
            }
        }
        catch (OperationCanceledException) when (closed.IsCancellationRequested && socket.State == WebSocketState.CloseReceived)
        {
            await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, aborted);
        }
        catch (Exception error) when (error is OperationCanceledException or WebSocketException)
        {
            socket.Abort();
        }

        await reading;
    }

    private static async Task ReadUntilClosedAsync(WebSocket socket, CancellationTokenSource closed)
    {
        var buffer = new byte[1024];
        try
        {
            while ((await socket.ReceiveAsync(buffer.AsMemory(), closed.Token)).MessageType != WebSocketMessageType.Close)
            {
                // Nothing is asked of the watcher; what it sends is read only to hear of its close.
            }
        }
        catch (Exception error) when (error is OperationCanceledException or WebSocketException)
        {
            // A watcher that went away without a word is a closed one.
            socket.Abort();
        }

        await closed.CancelAsync();
    }
}
