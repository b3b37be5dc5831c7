using System.Net;
using System.Net.Http.Headers;
using System.Net.WebSockets;
using AspireMesh.Protocol.Policies;
using AspireMesh.Proxy.Tests.Pairs;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Tests.Pipeline;

/// <summary>Times at the far ends: longer than a timer can wait, and a silence that is too long.</summary>
public class LongTimesTests
{
    [Fact]
    public async Task A_grpc_timeout_of_years_is_a_limit_like_any_other()
    {
        await using var pair = await HttpPair.StartAsync(
            c => c.Response.WriteAsync(c.Request.Headers["grpc-timeout"].ToString()),
            new HttpPairOptions { Http2 = true }.WithRoute(r => r with { Timeouts = new TimeoutPolicy { Request = TimeSpan.Zero } }));
        using var request = new HttpRequestMessage(HttpMethod.Post, "") { Content = new ByteArrayContent([]), Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        request.Headers.TryAddWithoutValidation("grpc-timeout", "20000H");
        using var response = await pair.Client.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.EndsWith("S", await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task A_websocket_that_falls_silent_is_ended_and_the_log_says_that_it_was_idle()
    {
        await using var pair = await HttpPair.StartAsync(
            async c =>
            {
                using var socket = await c.WebSockets.AcceptWebSocketAsync();
                await socket.ReceiveAsync(new byte[10], c.RequestAborted);
            },
            new HttpPairOptions().WithRoute(r => r with { Timeouts = new TimeoutPolicy { Idle = TimeSpan.FromMilliseconds(200) } }));
        using var client = new ClientWebSocket();
        await client.ConnectAsync(new UriBuilder(pair.Pair.OutboundUri) { Scheme = "ws" }.Uri, default);
        await Assert.ThrowsAnyAsync<WebSocketException>(() => client.ReceiveAsync(new byte[10], default));
        await RecordedEvents.EventuallyAsync<bool>(() => pair.Pair.CallerEvents.Requests.Count == 1 ? true : null);
        Assert.Equal("SI", pair.LastRequest.Flags);
    }
}
