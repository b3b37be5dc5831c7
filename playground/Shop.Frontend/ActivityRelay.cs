using System.Net.WebSockets;
using Microsoft.Extensions.ServiceDiscovery;

namespace Shop.Frontend;

/// <summary>The page's WebSocket on one side, the one of <c>orders</c> on the other.</summary>
internal static class ActivityRelay
{
    public static async Task RunAsync(HttpContext context, ServiceEndpointResolver resolver, ILoggerFactory loggers)
    {
        if (!context.WebSockets.IsWebSocketRequest)
        {
            context.Response.StatusCode = StatusCodes.Status426UpgradeRequired;
            return;
        }

        var logger = loggers.CreateLogger(typeof(ActivityRelay));
        using var orders = new ClientWebSocket();
        try
        {
            await orders.ConnectAsync(await AddressAsync(resolver, context.RequestAborted), context.RequestAborted);
            using var page = await context.WebSockets.AcceptWebSocketAsync();
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
            var toPage = CopyAsync(orders, page, ended);
            var toOrders = CopyAsync(page, orders, ended);
            await Task.WhenAll(toPage, toOrders);
        }
        catch (WebSocketException error) when (!context.Response.HasStarted)
        {
            logger.LogWarning("The activity of orders cannot be had: {Reason}", error.Message);
            context.Response.StatusCode = StatusCodes.Status502BadGateway;
        }
        catch (Exception error) when (error is WebSocketException or OperationCanceledException)
        {
            logger.LogDebug("An activity watcher left: {Reason}", error.Message);
        }
    }

    /// <summary>ClientWebSocket does not go through IHttpClientFactory, so the name is resolved here.</summary>
    private static async Task<Uri> AddressAsync(ServiceEndpointResolver resolver, CancellationToken cancellation)
    {
        var source = await resolver.GetEndpointsAsync("https+http://orders", cancellation);
        var address = source.Endpoints.Count > 0 ? source.Endpoints[0].ToString() : null;
        if (!Uri.TryCreate(address, UriKind.Absolute, out var uri)) throw new WebSocketException($"'orders' has no address ({address ?? "none"})");
        return new UriBuilder(uri) { Scheme = uri.Scheme == Uri.UriSchemeHttps ? Uri.UriSchemeWss : Uri.UriSchemeWs, Path = "/activity" }.Uri;
    }

    private static async Task CopyAsync(WebSocket from, WebSocket to, CancellationTokenSource ended)
    {
        var buffer = new byte[4096];
        while (true)
        {
            var received = await from.ReceiveAsync(buffer.AsMemory(), ended.Token);
            if (received.MessageType == WebSocketMessageType.Close)
            {
                if (to.State is WebSocketState.Open or WebSocketState.CloseReceived) await to.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, ended.Token);
                return;
            }

            await to.SendAsync(buffer.AsMemory(0, received.Count), received.MessageType, received.EndOfMessage, ended.Token);
        }
    }
}
