using System.Net;
using System.Net.Http.Headers;
using System.Net.WebSockets;
using System.Text;
using AspireMesh.Protocol.Policies;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;

namespace AspireMesh.Proxy.Tests.Pipeline;

/// <summary>
/// What a deadline ends and what it does not, over real sockets and TLS and in both versions: the rest of the matrix of <see cref="SafeDefaultsTests"/>. The
/// policies' clock is the test's, so hours pass in no time.
/// </summary>
public class DeadlineOnTheWireTests
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(15);
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UtcNow);

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public async Task A_post_may_upload_for_hours_and_its_answer_passes(bool http2, bool worksOnRequests)
    {
        var firstPart = new TaskCompletionSource();
        await using var pair = await StartAsync(http2, async c =>
        {
            var part = new byte[5];
            await c.Request.Body.ReadExactlyAsync(part);
            firstPart.SetResult();
            await c.Response.WriteAsync(Encoding.UTF8.GetString(part) + await new StreamReader(c.Request.Body).ReadToEndAsync());
        }, worksOnRequests);
        using var body = new PushContent();
        var answer = pair.Client.PostAsync("", body);
        await body.WriteAsync("first");
        // A part reaches the app when it is sent, not with the next one.
        await firstPart.Task.WaitAsync(TimeSpan.FromSeconds(30));
        _time.Advance(TimeSpan.FromHours(2));
        await body.WriteAsync(" second");
        _time.Advance(TimeSpan.FromHours(2));
        body.End();
        using var response = await answer;
        Assert.Equal((HttpStatusCode.OK, "first second"), (response.StatusCode, await response.Content.ReadAsStringAsync()));
        Assert.Equal(1, pair.Pair.CallerEvents.Attempts);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_limit_counts_from_the_end_of_a_posts_upload_and_ends_it_once(bool http2)
    {
        var (uploaded, aborted) = (new TaskCompletionSource(), new TaskCompletionSource());
        await using var pair = await StartAsync(http2, async c =>
        {
            c.RequestAborted.Register(() => aborted.TrySetResult());
            await c.Request.Body.CopyToAsync(Stream.Null);
            uploaded.TrySetResult();
            await aborted.Task;
        });
        using var body = new PushContent();
        var answer = pair.Client.PostAsync("", body);
        await body.WriteAsync("first");
        _time.Advance(TimeSpan.FromHours(2));
        body.End();
        await uploaded.Task;
        _time.Advance(s_limit - TimeSpan.FromSeconds(1));
        Assert.False(answer.IsCompleted);
        // The end of the upload is told on the way to the app, so a little of the limit may have begun a moment later than the app saw it.
        while (!answer.IsCompleted)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }
        using var response = await answer;
        Assert.Equal(HttpStatusCode.GatewayTimeout, response.StatusCode);
        Assert.Equal("UT", pair.LastRequest.Flags);
        Assert.Single(pair.App.Requests);
        await aborted.Task.WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_post_that_got_no_answer_in_its_try_is_not_tried_again(bool http2)
    {
        var arrived = new TaskCompletionSource();
        await using var pair = await HttpPair.StartAsync(
            async c =>
            {
                await c.Request.Body.CopyToAsync(Stream.Null);
                arrived.TrySetResult();
                await Task.Delay(Timeout.Infinite, c.RequestAborted);
            },
            new HttpPairOptions { Http2 = http2, Time = _time }.WithRoute(r => r with
            {
                Timeouts = new TimeoutPolicy { Request = s_limit, PerTry = TimeSpan.FromSeconds(2) },
                Retry = new RetryPolicy { Conditions = RetryConditions.PerTryTimeout, MaxRetries = 3 },
            }));
        var answer = pair.Client.PostAsync("", new StringContent("order"));
        await arrived.Task;
        while (!answer.IsCompleted)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }
        using var response = await answer;
        Assert.Equal(HttpStatusCode.GatewayTimeout, response.StatusCode);
        Assert.Single(pair.App.Requests);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_post_whose_answer_streams_outlives_the_deadline_in_both_directions(bool http2)
    {
        var more = new TaskCompletionSource();
        await using var pair = await StartAsync(http2, async c =>
        {
            await c.Request.Body.ReadExactlyAsync(new byte[5]);
            await c.Response.WriteAsync("one ");
            await c.Response.Body.FlushAsync();
            await more.Task;
            await c.Response.WriteAsync("two");
        });
        using var body = new PushContent();
        using var request = new HttpRequestMessage(HttpMethod.Post, "") { Content = body, Version = http2 ? HttpVersion.Version20 : HttpVersion.Version11, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        var sending = pair.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        await body.WriteAsync("first");
        if (!http2) body.End();
        using var response = await sending;
        _time.Advance(TimeSpan.FromHours(1));
        if (http2) body.End();
        more.SetResult();
        Assert.Equal("one two", await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task A_grpc_client_stream_uploads_past_the_deadline_but_not_past_its_own_grpc_timeout()
    {
        await using var pair = await StartAsync(http2: true, async c =>
        {
            c.Response.ContentType = "application/grpc";
            await c.Request.Body.CopyToAsync(Stream.Null, c.RequestAborted);
            c.Response.Headers["grpc-status"] = "0";
        });
        Assert.Equal(("0", 200), await CallAsync(pair, null));
        Assert.Equal(("4", 200), await CallAsync(pair, "60S"));
    }

    [Fact]
    public async Task A_websocket_that_only_listens_lives_past_a_short_deadline()
    {
        var more = new TaskCompletionSource();
        await using var pair = await StartAsync(http2: false, async c =>
        {
            using var socket = await c.WebSockets.AcceptWebSocketAsync();
            await more.Task;
            await socket.SendAsync("late"u8.ToArray(), WebSocketMessageType.Text, true, default);
            await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, "", default);
        });
        using var client = new ClientWebSocket();
        await client.ConnectAsync(new UriBuilder(pair.Pair.OutboundUri) { Scheme = "ws" }.Uri, default);
        _time.Advance(TimeSpan.FromMinutes(4));
        more.SetResult();
        var buffer = new byte[10];
        Assert.Equal("late", Encoding.UTF8.GetString(buffer, 0, (await client.ReceiveAsync(buffer, default)).Count));
    }

    private async Task<(string Grpc, int Http)> CallAsync(HttpPair pair, string? timeout)
    {
        var before = pair.App.Requests.Count;
        using var body = new PushContent();
        body.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        using var request = new HttpRequestMessage(HttpMethod.Post, "echo.Echo/Upload") { Content = body, Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        if (timeout is not null) request.Headers.Add("grpc-timeout", timeout);
        var answer = pair.Client.SendAsync(request);
        await body.WriteAsync("first");
        while (pair.App.Requests.Count == before) await Task.Yield();
        _time.Advance(TimeSpan.FromHours(1));
        body.End();
        using var response = await answer;
        var status = response.Headers.TryGetValues("grpc-status", out var header) ? header.Single() : response.TrailingHeaders.GetValues("grpc-status").Single();
        return (status, (int)response.StatusCode);
    }

    private Task<HttpPair> StartAsync(bool http2, RequestDelegate app, bool worksOnRequests = false)
    {
        var options = new HttpPairOptions { Http2 = http2, Time = _time }.WithRetry().WithRoute(r => r with { Timeouts = new TimeoutPolicy { Request = s_limit } });
        return HttpPair.StartAsync(app, worksOnRequests ? options.WithInbound(e => e) : options);
    }

    /// <summary>A body that is sent in the parts that a test says, when it says them.</summary>
    private sealed class PushContent : HttpContent
    {
        private readonly TaskCompletionSource<Stream> _stream = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _end = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public async Task WriteAsync(string part)
        {
            var stream = await _stream.Task.WaitAsync(TimeSpan.FromSeconds(30));
            await stream.WriteAsync(Encoding.UTF8.GetBytes(part));
            await stream.FlushAsync();
        }

        public void End() => _end.TrySetResult();

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            _stream.TrySetResult(stream);
            await _end.Task;
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
