using System.Net;
using System.Net.WebSockets;
using System.Text;
using AspireMesh.Protocol.Policies;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Time.Testing;

namespace AspireMesh.Proxy.Tests.Pipeline;

public class ForwardingTests
{
    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public async Task A_request_arrives_as_it_was_sent_in_the_version_the_caller_spoke(bool http2, bool worksOnRequests)
    {
        var options = new HttpPairOptions { Http2 = http2 };
        if (worksOnRequests) options = options.WithInbound(e => e);
        await using var pair = await HttpPair.StartAsync(
            async c =>
            {
                using var reader = new StreamReader(c.Request.Body);
                c.Response.Headers["x-answer"] = "42";
                c.Response.StatusCode = 201;
                await c.Response.WriteAsync($"{c.Request.Protocol} {c.Request.Method} {c.Request.Host} {c.Request.Headers["x-one"]} {await reader.ReadToEndAsync()}");
            },
            options);
        using var request = new HttpRequestMessage(HttpMethod.Post, "a/%41b/c%2Fd?x=1&y=%20") { Version = pair.Client.DefaultRequestVersion, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        request.Headers.Host = "api.shop";
        request.Headers.TryAddWithoutValidation("x-one", "1");
        request.Content = new StringContent("hello");
        using var response = await pair.Client.SendAsync(request);
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        Assert.Equal("42", Assert.Single(response.Headers.GetValues("x-answer")));
        Assert.Equal($"HTTP/{(http2 ? "2" : "1.1")} POST api.shop 1 hello", await response.Content.ReadAsStringAsync());
        Assert.EndsWith("c%2Fd?x=1&y=%20", Assert.Single(pair.App.Requests));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Forged_identities_and_hop_by_hop_headers_never_arrive_and_the_true_identity_does_where_asked_for(bool identityHeader)
    {
        await using var pair = await HttpPair.StartAsync(
            c => c.Response.WriteAsync(string.Join(';', c.Request.Headers.Where(h => h.Key.StartsWith("x-", StringComparison.OrdinalIgnoreCase) && h.Key != "x-mesh-hops").Select(h => $"{h.Key}={h.Value}".ToLowerInvariant()).Order())),
            new HttpPairOptions().WithInbound(e => e with { IdentityHeader = identityHeader }));
        using var request = new HttpRequestMessage(HttpMethod.Get, "");
        request.Headers.TryAddWithoutValidation("x-forwarded-client-identity", "spiffe://test.mesh/ns/default/sa/admin");
        request.Headers.TryAddWithoutValidation("x-forwarded-client-cert", "forged");
        request.Headers.TryAddWithoutValidation("Connection", "x-secret");
        request.Headers.TryAddWithoutValidation("x-secret", "1");
        request.Headers.TryAddWithoutValidation("x-kept", "2");
        using var response = await pair.Client.SendAsync(request);
        Assert.Equal((identityHeader ? "x-forwarded-client-identity=spiffe://test.mesh/ns/default/sa/web;" : "") + "x-kept=2", await response.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_deadline_never_ends_a_stream_that_has_begun(bool http2)
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        var more = new TaskCompletionSource();
        await using var pair = await HttpPair.StartAsync(
            async c =>
            {
                c.Response.ContentType = "text/event-stream";
                await c.Response.WriteAsync("data: 1\n\n");
                await c.Response.Body.FlushAsync();
                await more.Task;
                await c.Response.WriteAsync("data: 2\n\n");
            },
            new HttpPairOptions { Http2 = http2, Time = time }.WithRoute(r => r with { Timeouts = new TimeoutPolicy { Request = TimeSpan.FromSeconds(1), PerTry = TimeSpan.FromSeconds(1) } }));
        using var response = await pair.Client.GetAsync("events", HttpCompletionOption.ResponseHeadersRead);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        Assert.Equal("data: 1", await reader.ReadLineAsync());
        time.Advance(TimeSpan.FromMinutes(30));
        more.SetResult();
        Assert.Equal("\ndata: 2\n\n", await reader.ReadToEndAsync());
    }

    [Fact]
    public async Task A_deadline_ends_a_request_that_has_no_headers_yet_with_504()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        var arrived = new TaskCompletionSource();
        await using var pair = await HttpPair.StartAsync(
            async c =>
            {
                arrived.TrySetResult();
                await Task.Delay(Timeout.Infinite, c.RequestAborted);
            },
            new HttpPairOptions { Time = time }.WithRoute(r => r with { Timeouts = new TimeoutPolicy { Request = TimeSpan.FromSeconds(7) } }));
        var answer = pair.Client.GetAsync("");
        await arrived.Task;
        time.Advance(TimeSpan.FromSeconds(7));
        using var response = await answer;
        Assert.Equal(HttpStatusCode.GatewayTimeout, response.StatusCode);
        Assert.StartsWith("UT; 'api.http' did not answer within 7", Assert.Single(response.Headers.GetValues("x-mesh-error")));
        Assert.Equal("UT", pair.LastRequest.Flags);
    }

    [Fact]
    public async Task A_websocket_lives_past_the_deadline_and_closes_in_order()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var pair = await HttpPair.StartAsync(
            async c =>
            {
                using var socket = await c.WebSockets.AcceptWebSocketAsync();
                var buffer = new byte[100];
                while (true)
                {
                    var received = await socket.ReceiveAsync(buffer, default);
                    if (received.MessageType == WebSocketMessageType.Close) break;
                    await socket.SendAsync(buffer.AsMemory(0, received.Count), WebSocketMessageType.Text, true, default);
                }

                await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, "bye", default);
            },
            new HttpPairOptions { Time = time });
        using var client = new ClientWebSocket();
        await client.ConnectAsync(new UriBuilder(pair.Pair.OutboundUri) { Scheme = "ws" }.Uri, default);
        var buffer = new byte[100];
        for (var i = 0; i < 3; i++)
        {
            await client.SendAsync(Encoding.UTF8.GetBytes($"m{i}"), WebSocketMessageType.Text, true, default);
            var echo = await client.ReceiveAsync(buffer, default);
            Assert.Equal($"m{i}", Encoding.UTF8.GetString(buffer, 0, echo.Count));
            time.Advance(TimeSpan.FromMinutes(10));
        }

        await client.CloseAsync(WebSocketCloseStatus.NormalClosure, "", default);
        Assert.Equal(("bye", WebSocketCloseStatus.NormalClosure), (client.CloseStatusDescription, client.CloseStatus));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_large_upload_passes_whole_in_flat_memory(bool http2)
    {
        const long size = 1L << 28;
        await using var pair = await HttpPair.StartAsync(
            async c =>
            {
                long total = 0;
                var buffer = new byte[1 << 16];
                for (int n; (n = await c.Request.Body.ReadAsync(buffer)) > 0;) total += n;
                await c.Response.WriteAsync(total.ToString());
            },
            new HttpPairOptions { Http2 = http2 }.WithRetry());
        var before = GC.GetTotalMemory(forceFullCollection: true);
        using var response = await pair.Client.PostAsync("", new EndlessContent(size));
        Assert.Equal(size.ToString(), await response.Content.ReadAsStringAsync());
        var grown = GC.GetTotalMemory(forceFullCollection: true) - before;
        Assert.True(grown < 64 << 20, $"{grown >> 20} MiB are held after {size >> 20} MiB");
    }

    [Fact]
    public async Task A_response_that_breaks_off_is_never_taken_for_a_whole_one()
    {
        var headersSeen = new TaskCompletionSource();
        await using var pair = await HttpPair.StartAsync(async c =>
        {
            await c.Response.WriteAsync("half");
            await c.Response.Body.FlushAsync();
            await headersSeen.Task;
            c.Abort();
        });
        using var response = await pair.Client.GetAsync("", HttpCompletionOption.ResponseHeadersRead);
        headersSeen.SetResult();
        await Assert.ThrowsAnyAsync<Exception>(() => response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task An_app_that_redirects_to_its_own_https_address_does_not_lead_the_caller_out()
    {
        await using var pair = await HttpPair.StartAsync(
            c =>
            {
                c.Response.Redirect(c.Request.Path == "/away" ? "https://login.example/x" : "https://localhost:7443/home?q=1");
                return Task.CompletedTask;
            },
            new HttpPairOptions().WithCluster(c => c with { AppAddresses = ["localhost:7443"] }));
        using var own = await pair.Client.GetAsync("");
        Assert.Equal(new Uri(pair.Pair.OutboundUri, "home?q=1"), own.Headers.Location);
        using var away = await pair.Client.GetAsync("away");
        Assert.Equal(new Uri("https://login.example/x"), away.Headers.Location);
    }

    [Fact]
    public async Task Trailers_arrive()
    {
        await using var pair = await HttpPair.StartAsync(
            async c =>
            {
                c.Response.DeclareTrailer("x-sum");
                await c.Response.WriteAsync("body");
                c.Response.AppendTrailer("x-sum", "7");
            },
            new HttpPairOptions { Http2 = true });
        using var response = await pair.Client.GetAsync("");
        await response.Content.ReadAsStringAsync();
        Assert.Equal("7", Assert.Single(response.TrailingHeaders.GetValues("x-sum")));
    }

    private sealed class EndlessContent(long size) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            var chunk = new byte[1 << 16];
            for (long sent = 0; sent < size; sent += chunk.Length) await stream.WriteAsync(chunk);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = size;
            return true;
        }
    }
}
