using System.Net;
using System.Net.Sockets;
using System.Text;

namespace AspireMesh.Policies.Tests;

public sealed class ResilienceTests(PoliciesMesh mesh)
{
    [Fact]
    public async Task Retries_hide_failures_up_to_their_number()
    {
        Assert.Equal((200, "5"), await StatusAndBodyAsync("retry", "/fail-first/retry-4/4/503"));
        Assert.Equal(503, (await mesh.GetAsync("retry", "/fail-first/retry-9/9/503")).Status);
        Assert.Equal("5", (await mesh.GetAsync("default", "/count/retry-9")).Body);
    }

    [Fact]
    public async Task Without_a_word_a_get_is_sent_up_to_three_times_and_a_post_once()
    {
        Assert.Equal((200, "3"), await StatusAndBodyAsync("default", "/fail-first/plain/2/503"));
        Assert.Equal(503, (await mesh.SendAsync("api", "default", "/fail-first/plain-post/1/503", "POST")).Status);
    }

    [Fact]
    public async Task Listed_status_codes_are_retried_and_others_are_not()
    {
        Assert.Equal((200, "2"), await StatusAndBodyAsync("codes", "/fail-first/codes-409/1/409"));
        Assert.Equal(418, (await mesh.GetAsync("codes", "/fail-first/codes-418/1/418")).Status);
    }

    [Fact]
    public async Task Listed_grpc_codes_are_retried()
    {
        var answer = await mesh.SendAsync("api", "grpc", "/grpc-fail-first/grpc", "POST", ("content-type", "application/grpc"));
        Assert.Equal(("0", "2"), (answer.Headers["grpc-status"], answer.Headers["x-calls"]));
    }

    [Fact]
    public async Task Where_the_edge_says_so_a_post_is_retried()
    {
        var answer = await mesh.SendAsync("api", "post", "/fail-first/post/1/503", "POST");
        Assert.Equal((200, "2"), (answer.Status, answer.Body));
    }

    [Fact]
    public async Task An_hour_that_the_app_asks_for_ends_the_retries_unless_the_edge_does_not_listen_to_it()
    {
        Assert.Equal(503, (await mesh.GetAsync("default", "/fail-first/after-default/1/503?after=3600")).Status);
        Assert.Equal((200, "2"), await StatusAndBodyAsync("unhurried", "/fail-first/after/1/503?after=3600"));
    }

    [Theory]
    [InlineData(10, 200)]
    [InlineData(11, 503)]
    public async Task A_body_larger_than_the_edge_keeps_is_sent_once(int length, int status)
    {
        using var content = new StringContent(new string('x', length));
        using var response = await mesh.Client.PostAsync(await mesh.UrlAsync("api", "unkept") + $"/fail-first/unkept-{length}/1/503", content, mesh.Limit);
        Assert.Equal(status, (int)response.StatusCode);
    }

    [Fact]
    public async Task Without_a_budget_nothing_is_sent_again()
    {
        Assert.Equal(503, (await mesh.GetAsync("thrifty", "/fail-first/thrifty/1/503")).Status);
        Assert.Equal("1", (await mesh.GetAsync("default", "/count/thrifty")).Body);
    }

    [Fact]
    public async Task A_post_whose_stream_was_refused_is_sent_again_with_its_body()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, await mesh.UrlAsync("api", "refused") + "/refuse-first/refused")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new StringContent("three pears"),
        };
        using var response = await mesh.Client.SendAsync(request, mesh.Limit);
        Assert.Equal((HttpStatusCode.OK, "2 three pears"), (response.StatusCode, await response.Content.ReadAsStringAsync(mesh.Limit)));
    }

    [Fact]
    public async Task A_request_without_an_answer_ends_at_its_deadline()
    {
        var answer = await mesh.GetAsync("deadline", "/hang");
        Assert.Equal((504, "UT"), (answer.Status, answer.Flag));
    }

    [Fact]
    public async Task An_attempt_that_takes_too_long_is_given_up_and_another_answers()
    {
        var answer = await mesh.GetAsync("pertry", "/hang-first/pertry");
        Assert.Equal(200, answer.Status);
        Assert.NotEqual("1", answer.Body);
    }

    [Fact]
    public async Task A_stream_that_falls_silent_is_ended()
    {
        using var response = await mesh.Client.GetAsync(await mesh.UrlAsync("api", "idle") + "/fall-silent", HttpCompletionOption.ResponseHeadersRead, mesh.Limit);
        await Assert.ThrowsAnyAsync<Exception>(() => response.Content.ReadAsStringAsync(mesh.Limit));
        Assert.False(mesh.Limit.IsCancellationRequested);
    }

    [Fact]
    public async Task A_hedge_answers_in_place_of_an_attempt_that_hangs() => Assert.Equal(200, (await mesh.GetAsync("hedging", "/hang-first/hedging")).Status);

    [Fact]
    public async Task A_breaker_opens_and_answers_in_place_of_the_app()
    {
        await mesh.UntilAsync(async () => await mesh.GetAsync("breaker", "/status/500") is { Status: 503, Flag: "UO" }, "the breaker is Open");
        Assert.Equal("UO", (await mesh.GetAsync("breaker", "/who/api")).Flag);
    }

    [Fact]
    public async Task Beyond_the_cap_a_request_is_refused_at_once()
    {
        var held = mesh.GetAsync("limits", "/hold/limits");
        await mesh.UntilAsync(async () => (await mesh.GetAsync("default", "/count/limits")).Body == "1", "the first request runs");
        var refused = await mesh.GetAsync("limits", "/who/api");
        Assert.Equal((503, "UO"), (refused.Status, refused.Flag));
        await mesh.GetAsync("default", "/let-go/limits");
        Assert.Equal("let go", (await held).Body);
    }

    [Fact]
    public async Task Where_there_is_a_queue_one_waits_and_the_next_is_refused()
    {
        var held = mesh.GetAsync("queued", "/hold/queued");
        await mesh.UntilAsync(async () => (await mesh.GetAsync("default", "/count/queued")).Body == "1", "the first request runs");

        // Of two more one waits and the other is refused, whichever comes first.
        Task<Answer>[] more = [mesh.GetAsync("queued", "/who/waited"), mesh.GetAsync("queued", "/who/waited")];
        var refused = await await Task.WhenAny(more);
        Assert.Equal((503, "UO"), (refused.Status, refused.Flag));
        await mesh.GetAsync("default", "/let-go/queued");
        Assert.Equal([200, 503], (await Task.WhenAll(more)).Select(a => a.Status).Order());
        Assert.Equal(200, (await held).Status);
    }

    [Fact]
    public async Task An_opaque_edge_carries_one_connection_where_it_says_so()
    {
        var address = new Uri(await mesh.UrlAsync("api", "tcp"));
        using var first = new TcpClient();
        await first.ConnectAsync(address.Host, address.Port, mesh.Limit);
        var greeting = new byte[14];
        await first.GetStream().ReadExactlyAsync(greeting, mesh.Limit);
        Assert.Equal("hello from api", Encoding.UTF8.GetString(greeting));

        Assert.Equal(0, await ReadAsync(address));
    }

    /// <summary>How much a new connection hears at first; 0 where it is refused, which is a reset and may come as early as in the connect.</summary>
    private async Task<int> ReadAsync(Uri address)
    {
        using var client = new TcpClient();
        try
        {
            await client.ConnectAsync(address.Host, address.Port, mesh.Limit);
            return await client.GetStream().ReadAsync(new byte[1], mesh.Limit);
        }
        catch (Exception e) when (e is SocketException or IOException or InvalidOperationException)
        {
            return 0;
        }
    }

    private async Task<(int Status, string Body)> StatusAndBodyAsync(string endpoint, string path)
    {
        var answer = await mesh.GetAsync(endpoint, path);
        return (answer.Status, answer.Body);
    }
}
