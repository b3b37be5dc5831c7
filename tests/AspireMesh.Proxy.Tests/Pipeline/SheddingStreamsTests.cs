using System.Net;
using System.Net.WebSockets;
using AspireMesh.Protocol.Policies;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Tests.Pipeline;

/// <summary>Streams that live long under load shedding: once begun they are no request that the app works on, and must not shut out those that are.</summary>
public class SheddingStreamsTests
{
    private static readonly HttpPairOptions s_one = new HttpPairOptions().WithInbound(e => e with { LoadShedding = new LoadSheddingPolicy { MinConcurrency = 1, MaxConcurrency = 1 } });

    [Fact]
    public async Task An_event_stream_leaves_its_place_when_it_has_begun()
    {
        await using var pair = await HttpPair.StartAsync(
            async c =>
            {
                if (c.Request.Path != "/events") return;
                c.Response.ContentType = "text/event-stream";
                await c.Response.WriteAsync("data: 1\n\n");
                await c.Response.Body.FlushAsync();
                await Task.Delay(Timeout.Infinite, c.RequestAborted);
            },
            s_one);
        using var events = await pair.Client.GetAsync("events", HttpCompletionOption.ResponseHeadersRead);
        for (var i = 0; i < 3; i++)
        {
            using var other = await pair.Client.GetAsync("");
            Assert.Equal(HttpStatusCode.OK, other.StatusCode);
        }
    }

    [Fact]
    public async Task A_websocket_leaves_its_place_when_it_is_open()
    {
        await using var pair = await HttpPair.StartAsync(
            async c =>
            {
                if (!c.WebSockets.IsWebSocketRequest) return;
                using var socket = await c.WebSockets.AcceptWebSocketAsync();
                await socket.ReceiveAsync(new byte[10], c.RequestAborted);
            },
            s_one);
        using var client = new ClientWebSocket();
        await client.ConnectAsync(new UriBuilder(pair.Pair.OutboundUri) { Scheme = "ws" }.Uri, default);
        for (var i = 0; i < 3; i++)
        {
            using var other = await pair.Client.GetAsync("");
            Assert.Equal(HttpStatusCode.OK, other.StatusCode);
        }
    }
}
