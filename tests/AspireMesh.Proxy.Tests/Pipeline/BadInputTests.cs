using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Tests.Pipeline;

/// <summary>The bad-input table's HTTP cases, raw bytes into the outbound listener: what is refused never reaches the app.</summary>
public class BadInputTests
{
    [Theory]
    [InlineData("content-length and an unknown coding", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunky\r\n\r\nabc", 400, 501)]
    [InlineData("chunked not last", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", 400, 501)]
    [InlineData("two lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400, 400)]
    [InlineData("list of lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 6\r\n\r\nabcdef", 400, 400)]
    [InlineData("an unknown coding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400, 501)]
    [InlineData("a coding named twice", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n", 400, 501)]
    [InlineData("a length below nothing", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400, 400)]
    [InlineData("space before the colon", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400, 400)]
    [InlineData("no host", "GET / HTTP/1.1\r\n\r\n", 400, 400)]
    [InlineData("two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, 400)]
    [InlineData("a host that is none", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, 400)]
    [InlineData("more than a hundred headers", "GET / HTTP/1.1\r\nHost: a\r\n{101}\r\n", 431, 431)]
    [InlineData("no version", "GET /\r\n\r\n", 400, 400)]
    [InlineData("a method that is no token", "G(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400, 400)]
    [InlineData("folded line", "GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n", 400, 400)]
    [InlineData("bare CR in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: 1\r2\r\n\r\n", 400, 400)]
    [InlineData("NUL in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: 1\02\r\n\r\n", 400, 400)]
    [InlineData("chunk extension ended by a bare LF", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2;x\nxx\r\n0\r\n\r\n", 400, 502)]
    [InlineData("chunk size overflow", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n", 400, 502)]
    [InlineData("negative chunk size", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", 400, 502)]
    [InlineData("chunk size 0x", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0x2\r\nab\r\n0\r\n\r\n", 400, 502)]
    [InlineData("request line over 8 KB", "GET /{8200} HTTP/1.1\r\nHost: a\r\n\r\n", 414, 414)]
    [InlineData("headers over 32 KB", "GET / HTTP/1.1\r\nHost: a\r\nX: {33000}\r\n\r\n", 431, 431)]
    public async Task Malformed_requests_are_refused_and_the_app_sees_no_whole_request(string name, string bytes, int low, int high)
    {
        var bodies = 0;
        await using var pair = await HttpPair.StartAsync(async c =>
        {
            await c.Request.Body.CopyToAsync(Stream.Null);
            Interlocked.Increment(ref bodies);
        });
        bytes = bytes.Replace("{8200}", new string('a', 8200)).Replace("{33000}", new string('b', 33_000)).Replace("{101}", string.Concat(Enumerable.Range(0, 101).Select(i => $"X-{i}: 1\r\n")));
        var status = await SendAsync(pair, bytes);
        Assert.True(status >= low && status <= high, $"{name}: {status}");
        Assert.Equal(0, bodies);
        // The next caller is none the worse for it.
        using var next = await pair.Client.GetAsync("");
        Assert.Equal(200, (int)next.StatusCode);
    }

    [Fact]
    public async Task Length_and_chunked_together_reach_the_app_as_chunked_alone()
    {
        string? seen = null;
        await using var pair = await HttpPair.StartAsync(async c =>
        {
            using var reader = new StreamReader(c.Request.Body);
            seen = $"{c.Request.ContentLength} {c.Request.Headers.TransferEncoding} {await reader.ReadToEndAsync()}";
        });
        var status = await SendAsync(pair, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
        Assert.Equal(seen is null ? 400 : 200, status);
        if (seen is not null) Assert.Equal(" chunked abc", seen);
    }

    [Fact]
    public async Task A_target_in_absolute_form_wins_over_host_and_never_chooses_the_peer()
    {
        await using var pair = await HttpPair.StartAsync(c => c.Response.WriteAsync($"{c.Request.Host}{c.Request.Path}"));
        Assert.Equal(400, await SendAsync(pair, "GET http://other.test/x HTTP/1.1\r\nHost: a\r\n\r\n"));
        Assert.Equal(200, await SendAsync(pair, "GET http://other.test/x HTTP/1.1\r\nHost: other.test\r\n\r\n"));
        Assert.Equal("GET /x", Assert.Single(pair.App.Requests));
    }

    [Fact]
    public async Task A_caller_that_stops_in_the_middle_of_its_head_or_says_nothing_holds_up_nobody()
    {
        await using var pair = await HttpPair.StartAsync(c => c.Response.WriteAsync("here"));
        var slow = new List<TcpClient>();
        for (var i = 0; i < 50; i++)
        {
            var caller = new TcpClient();
            slow.Add(caller);
            await caller.ConnectAsync(pair.Pair.Outbound);
            if (i % 2 == 0) await caller.GetStream().WriteAsync("GET / HTTP/1.1\r\nHost: a\r\nX-Slow: "u8.ToArray());
        }
        for (var i = 0; i < 10; i++) Assert.Equal("here", await pair.Client.GetStringAsync(""));
        Assert.All(pair.App.Requests, r => Assert.Equal("GET /", r));
        foreach (var caller in slow) caller.Dispose();
    }

    [Fact]
    public async Task A_body_is_not_asked_for_before_the_app_wants_it_and_a_refusal_passes_without_it()
    {
        await using var pair = await HttpPair.StartAsync(c =>
        {
            c.Response.StatusCode = 417;
            c.Response.Headers.Connection = "close";
            return Task.CompletedTask;
        });
        using var caller = new TcpClient();
        await caller.ConnectAsync(pair.Pair.Outbound);
        await caller.GetStream().WriteAsync("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"u8.ToArray());
        using var reader = new StreamReader(caller.GetStream());
        var first = await reader.ReadLineAsync();
        if (first == "HTTP/1.1 100 Continue")
        {
            // The app was slow to refuse: then the body is asked for, and its refusal passes all the same.
            await caller.GetStream().WriteAsync("abcde"u8.ToArray());
            await reader.ReadLineAsync();
            first = await reader.ReadLineAsync();
        }
        Assert.StartsWith("HTTP/1.1 417", first);
    }

    [Fact]
    public async Task Chunks_in_http_1_0_are_faulty_framing_so_nothing_after_them_on_the_connection_is_read()
    {
        await using var pair = await HttpPair.StartAsync(c => c.Request.Body.CopyToAsync(Stream.Null));
        using var caller = new TcpClient();
        await caller.ConnectAsync(pair.Pair.Outbound);
        await caller.GetStream().WriteAsync("POST /first HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /second HTTP/1.0\r\nHost: a\r\n\r\n"u8.ToArray());
        await caller.GetStream().CopyToAsync(Stream.Null).WaitAsync(TimeSpan.FromSeconds(30)).ContinueWith(_ => { }, TaskScheduler.Default);
        Assert.DoesNotContain("GET /second", pair.App.Requests);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")]
    public async Task A_response_that_is_shorter_than_it_says_is_never_ended_cleanly(string answer)
    {
        await using var app = Pairs.TcpApp.Start(async s =>
        {
            await s.ReadAtLeastAsync(new byte[1000], 10, throwOnEndOfStream: false);
            await s.WriteAsync(Encoding.ASCII.GetBytes(answer));
        });
        await using var pair = await HttpPair.InFrontOfAsync([app.Address]);
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => pair.Client.GetStringAsync(""));
    }

    [Fact]
    public async Task A_caller_that_leaves_ends_the_call_at_the_app()
    {
        var arrived = new TaskCompletionSource();
        var ended = new TaskCompletionSource();
        await using var pair = await HttpPair.StartAsync(async c =>
        {
            c.RequestAborted.Register(ended.SetResult);
            arrived.SetResult();
            await ended.Task;
        });
        using (var caller = new TcpClient())
        {
            await caller.ConnectAsync(pair.Pair.Outbound);
            await caller.GetStream().WriteAsync("GET / HTTP/1.1\r\nHost: a\r\n\r\n"u8.ToArray());
            await arrived.Task.WaitAsync(TimeSpan.FromSeconds(30));
        }

        await ended.Task.WaitAsync(TimeSpan.FromSeconds(30));
    }

    private static async Task<int> SendAsync(HttpPair pair, string bytes)
    {
        using var caller = new TcpClient();
        await caller.ConnectAsync(pair.Pair.Outbound);
        await caller.GetStream().WriteAsync(Encoding.Latin1.GetBytes(bytes));
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var buffer = new byte[64];
        var length = 0;
        for (int n; length < 12 && (n = await caller.GetStream().ReadAsync(buffer.AsMemory(length), patience.Token)) > 0;) length += n;
        return length < 12 ? 0 : int.Parse(Encoding.ASCII.GetString(buffer, 9, 3));
    }
}
