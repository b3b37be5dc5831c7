using System.Net;
using System.Net.Http.Headers;
using System.Net.WebSockets;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Tests.Pipeline;

/// <summary>
/// What the defaults never do to what they meet. That a deadline ends no SSE stream, WebSocket or gRPC stream stands in <see cref="ForwardingTests"/> and
/// <see cref="GrpcTests"/>, that it ends no upload in DeadlineTests, and that a POST is not repeated after a byte was sent in <see cref="RetryPipelineTests"/>.
/// </summary>
public class SafeDefaultsTests
{
    [Fact]
    public async Task An_event_stream_that_breaks_off_is_not_asked_for_again()
    {
        var headersSeen = new TaskCompletionSource();
        await using var pair = await HttpPair.StartAsync(
            async c =>
            {
                c.Response.ContentType = "text/event-stream";
                await c.Response.WriteAsync("data: 1\n\n");
                await c.Response.Body.FlushAsync();
                await headersSeen.Task;
                c.Abort();
            },
            new HttpPairOptions().WithRetry());
        using var response = await pair.Client.GetAsync("events", HttpCompletionOption.ResponseHeadersRead);
        headersSeen.SetResult();
        await Assert.ThrowsAnyAsync<Exception>(() => response.Content.ReadAsStringAsync());
        Assert.Single(pair.App.Requests);
        Assert.Equal(1, pair.Pair.CallerEvents.Attempts);
    }

    [Fact]
    public async Task A_websocket_that_breaks_is_not_opened_again()
    {
        await using var pair = await HttpPair.StartAsync(
            async c =>
            {
                using var socket = await c.WebSockets.AcceptWebSocketAsync();
                await socket.ReceiveAsync(new byte[10], default);
                c.Abort();
            },
            new HttpPairOptions().WithRetry());
        using var client = new ClientWebSocket();
        await client.ConnectAsync(new UriBuilder(pair.Pair.OutboundUri) { Scheme = "ws" }.Uri, default);
        await client.SendAsync("one"u8.ToArray(), WebSocketMessageType.Text, true, default);
        await Assert.ThrowsAnyAsync<WebSocketException>(() => client.ReceiveAsync(new byte[10], default));
        Assert.Single(pair.App.Requests);
        Assert.Equal(1, pair.Pair.CallerEvents.Attempts);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_grpc_stream_that_breaks_is_not_called_again(bool afterFirstMessage)
    {
        await using var pair = await HttpPair.StartAsync(
            async c =>
            {
                await c.Request.Body.ReadExactlyAsync(new byte[3]);
                c.Response.ContentType = "application/grpc";
                if (afterFirstMessage)
                {
                    await c.Response.Body.WriteAsync(new byte[] { 0, 0, 0, 0, 1, 42 });
                    await c.Response.Body.FlushAsync();
                }
                c.Abort();
            },
            new HttpPairOptions { Http2 = true }.WithRetry());
        using var body = new SlowBody();
        body.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        using var request = new HttpRequestMessage(HttpMethod.Post, "echo.Echo/Duplex") { Content = body, Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            using var response = await pair.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            await response.Content.ReadAsByteArrayAsync();
            // Before any header the sidecar answers in the app's place, with a code in the trailers' stead.
            throw new InvalidOperationException($"grpc-status {response.Headers.GetValues("grpc-status").Single()}");
        });
        Assert.Single(pair.App.Requests);
        Assert.Equal(1, pair.Pair.CallerEvents.Attempts);
        body.Rest.TrySetResult("");
    }

    /// <summary>Three bytes at once, and the rest when the test says so.</summary>
    private sealed class SlowBody : HttpContent
    {
        public TaskCompletionSource<string> Rest { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, default);

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
        {
            await stream.WriteAsync("one"u8.ToArray(), cancellationToken);
            await stream.FlushAsync(cancellationToken);
            await stream.WriteAsync(Encoding.UTF8.GetBytes(await Rest.Task.WaitAsync(cancellationToken)), cancellationToken);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
