using System.Net;
using System.Net.Sockets;
using System.Text;
using AspireMesh.Protocol.Policies;
using AspireMesh.Proxy.Tests.Pairs;
using AspireMesh.Proxy.Tests.Pipeline;
using Microsoft.Extensions.Time.Testing;

namespace AspireMesh.Proxy.Tests.Outbound.Http1;

/// <summary>Our own forwarder in front of apps that are raw sockets, so that every byte of an answer is a test's to choose.</summary>
public class Http1ForwardingTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData("length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")]
    [InlineData("chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nx-sum: 1\r\n\r\n")]
    [InlineData("until close", "HTTP/1.1 200 OK\r\n\r\nhello")]
    [InlineData("HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello")]
    [InlineData("interim answers", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")]
    [InlineData("both framings", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")]
    public async Task An_answer_arrives_whole_in_one_piece_or_byte_by_byte(string name, string answer)
    {
        foreach (var step in new[] { answer.Length, 1 })
        {
            await using var app = TcpApp.Start(async stream =>
            {
                await ReadRequestAsync(stream);
                await WriteInStepsAsync(stream, answer, step);
            });
            await using var pair = await HttpPair.InFrontOfAsync([app.Address]);
            using var response = await pair.Client.GetAsync("");
            Assert.Equal((name, HttpStatusCode.OK, "hello"), (name, response.StatusCode, await response.Content.ReadAsStringAsync()));
            Assert.False(response.Headers.Contains("Link"));
        }
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nX : 1\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nX: 1\r\n folded\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n")]
    [InlineData("SSH-2.0-OpenSSH_9\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-")]
    [InlineData("")]
    public async Task What_is_no_answer_becomes_502_and_nothing_of_it_passes(string answer)
    {
        await using var app = TcpApp.Start(async stream =>
        {
            await ReadRequestAsync(stream);
            await stream.WriteAsync(Encoding.Latin1.GetBytes(answer));
        });
        await using var pair = await HttpPair.InFrontOfAsync([app.Address]);
        using var response = await pair.Client.GetAsync("");
        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.StartsWith("UC;", Assert.Single(response.Headers.GetValues("x-mesh-error")));
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\n0\r\n\r\n")]
    public async Task An_answer_that_breaks_off_never_looks_whole(string answer)
    {
        await using var app = TcpApp.Start(async stream =>
        {
            await ReadRequestAsync(stream);
            await stream.WriteAsync(Encoding.Latin1.GetBytes(answer));
        });
        await using var pair = await HttpPair.InFrontOfAsync([app.Address]);
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => pair.Client.GetStringAsync(""));
    }

    [Theory]
    [InlineData("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 5L)]
    [InlineData("GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", null)]
    [InlineData("GET", "HTTP/1.1 204 No Content\r\n\r\n", null)]
    public async Task An_answer_without_a_body_leaves_the_connection_for_the_next(string method, string answer, long? length)
    {
        await using var app = TcpApp.Start(stream => AnswerAllAsync(stream, _ => answer));
        await using var pair = await HttpPair.InFrontOfAsync([app.Address]);
        for (var i = 0; i < 3; i++)
        {
            using var response = await pair.Client.SendAsync(new HttpRequestMessage(new HttpMethod(method), ""));
            if (length is not null) Assert.Equal(length, response.Content.Headers.ContentLength);
        }
        Assert.Equal(1, app.Connections);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 1)]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 1)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok", 4)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", 4)]
    public async Task A_connection_is_used_again_only_where_its_answer_left_nothing_behind(string answer, int connections)
    {
        await using var app = TcpApp.Start(stream => AnswerAllAsync(stream, _ => answer));
        await using var pair = await HttpPair.InFrontOfAsync([app.Address]);
        for (var i = 0; i < 4; i++) Assert.Equal("ok", await pair.Client.GetStringAsync(""));
        Assert.Equal(connections, app.Connections);
    }

    [Theory]
    [InlineData("GET", HttpStatusCode.OK, 2)]
    [InlineData("POST", HttpStatusCode.BadGateway, 1)]
    public async Task A_kept_connection_that_breaks_unheard_is_replaced_where_the_method_may_be_repeated(string method, HttpStatusCode expected, int connections)
    {
        await using var app = TcpApp.Start(async stream =>
        {
            await ReadRequestAsync(stream);
            await stream.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"u8.ToArray());
            // The next request arrives and is not answered: the app was just closing.
            await ReadRequestAsync(stream);
        });
        await using var pair = await HttpPair.InFrontOfAsync([app.Address]);
        using var first = await pair.Client.GetAsync("");
        Assert.Equal(HttpStatusCode.OK, first.StatusCode);
        using var second = await pair.Client.SendAsync(new HttpRequestMessage(new HttpMethod(method), ""));
        Assert.Equal((expected, connections), (second.StatusCode, app.Connections));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_small_piece_of_an_upload_reaches_the_app_before_the_next_is_sent(bool chunked)
    {
        await using var app = TcpApp.Start(async stream =>
        {
            var head = await ReadRequestAsync(stream);
            await stream.WriteAsync("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"u8.ToArray());
            var left = head.Body;
            // Every piece is answered as soon as it is here; the caller waits for that before it sends another.
            var buffer = new byte[1024];
            for (var i = 0; i < 3; i++)
            {
                while (!left.Contains((char)('a' + i))) left += Encoding.Latin1.GetString(buffer, 0, await stream.ReadAsync(buffer));
                await stream.WriteAsync(Encoding.Latin1.GetBytes($"1\r\n{(char)('A' + i)}\r\n"));
            }
            await stream.WriteAsync("0\r\n\r\n"u8.ToArray());
        });
        await using var pair = await HttpPair.InFrontOfAsync([app.Address], new HttpPairOptions().WithRetry());
        using var caller = new TcpClient();
        await caller.ConnectAsync(pair.Pair.Outbound);
        var stream = caller.GetStream();
        await stream.WriteAsync(Encoding.Latin1.GetBytes($"POST / HTTP/1.1\r\nHost: a\r\n{(chunked ? "Transfer-Encoding: chunked" : "Content-Length: 3")}\r\n\r\n"));
        var heard = "";
        var buffer = new byte[1024];
        for (var i = 0; i < 3; i++)
        {
            await stream.WriteAsync(Encoding.Latin1.GetBytes(chunked ? $"1\r\n{(char)('a' + i)}\r\n" : $"{(char)('a' + i)}"));
            while (!heard.Contains($"\r\n{(char)('A' + i)}\r\n")) heard += Encoding.Latin1.GetString(buffer, 0, await stream.ReadAsync(buffer).AsTask().WaitAsync(Patience));
        }
    }

    [Fact]
    public async Task An_answer_before_the_end_of_the_upload_passes_and_the_upload_ends()
    {
        await using var app = TcpApp.Start(async stream =>
        {
            await ReadRequestAsync(stream);
            await stream.WriteAsync("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno"u8.ToArray());
            await stream.CopyToAsync(Stream.Null);
        });
        await using var pair = await HttpPair.InFrontOfAsync([app.Address]);
        using var caller = new TcpClient();
        await caller.ConnectAsync(pair.Pair.Outbound);
        var stream = caller.GetStream();
        await stream.WriteAsync("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nabc"u8.ToArray());
        var heard = "";
        var buffer = new byte[1024];
        while (!heard.EndsWith("no", StringComparison.Ordinal)) heard += Encoding.Latin1.GetString(buffer, 0, await stream.ReadAsync(buffer).AsTask().WaitAsync(Patience));
        Assert.StartsWith("HTTP/1.1 413 Too Large\r\n", heard);
    }

    [Fact]
    public async Task The_head_of_a_stream_does_not_wait_for_its_first_byte()
    {
        var more = new TaskCompletionSource();
        await using var app = TcpApp.Start(async stream =>
        {
            await ReadRequestAsync(stream);
            await stream.WriteAsync("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"u8.ToArray());
            await more.Task;
            await stream.WriteAsync("2\r\nhi\r\n0\r\n\r\n"u8.ToArray());
        });
        await using var pair = await HttpPair.InFrontOfAsync([app.Address]);
        using var response = await pair.Client.GetAsync("", HttpCompletionOption.ResponseHeadersRead).WaitAsync(Patience);
        more.SetResult();
        Assert.Equal("hi", await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task A_stream_on_which_nothing_moves_is_ended_at_its_idle_limit()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var app = TcpApp.Start(async stream =>
        {
            await ReadRequestAsync(stream);
            await stream.WriteAsync("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n"u8.ToArray());
            await stream.CopyToAsync(Stream.Null);
        });
        await using var pair = await HttpPair.InFrontOfAsync([app.Address], new HttpPairOptions { Time = time }.WithRoute(r => r with { Timeouts = new TimeoutPolicy { Idle = TimeSpan.FromSeconds(20) } }));
        using var response = await pair.Client.GetAsync("", HttpCompletionOption.ResponseHeadersRead);
        var body = await response.Content.ReadAsStreamAsync();
        Assert.Equal('h', body.ReadByte());
        Assert.Equal('i', body.ReadByte());
        var end = body.ReadAsync(new byte[1]).AsTask();
        // The timer is set when the sidecar has nothing left to pass on, which the caller cannot see.
        while (!end.IsCompleted)
        {
            time.Advance(TimeSpan.FromSeconds(20));
            await Task.WhenAny(end, Task.Delay(10));
        }
        await Assert.ThrowsAnyAsync<IOException>(() => end);
        Assert.Equal("SI", pair.LastRequest.Flags);
    }

    [Fact]
    public async Task Header_names_and_values_arrive_as_they_were_written()
    {
        TcpRequest? seen = null;
        await using var app = TcpApp.Start(async stream =>
        {
            seen = await ReadRequestAsync(stream);
            await stream.WriteAsync(Encoding.Latin1.GetBytes("HTTP/1.1 299 Quite Fine\r\nX-OddCase: \u00e9 1\r\nX-OddCase: 2\r\nConnection: x-hop\r\nx-hop: 1\r\nKeep-Alive: timeout=5\r\nContent-Length: 0\r\n\r\n"));
        });
        await using var pair = await HttpPair.InFrontOfAsync([app.Address]);
        using var caller = new TcpClient();
        await caller.ConnectAsync(pair.Pair.Outbound);
        await caller.GetStream().WriteAsync(Encoding.Latin1.GetBytes("POST /a/../b%2F?q=%C3%A9 HTTP/1.1\r\nHost: shop.test\r\nX-FuNNy: \u00e9 1\r\nX-FuNNy: 2\r\nConnection: close\r\nUpgrade-Insecure-Requests: 1\r\n\r\n"));
        using var reader = new StreamReader(caller.GetStream(), Encoding.Latin1);
        var answer = await reader.ReadToEndAsync().WaitAsync(Patience);
        Assert.StartsWith("POST /b%2F?q=%C3%A9 HTTP/1.1\r\nHost: shop.test\r\n", seen!.Head);
        Assert.Contains("\r\nX-FuNNy: \u00e9 1\r\nX-FuNNy: 2\r\n", seen.Head);
        Assert.Contains("\r\nContent-Length: 0\r\n", seen.Head);
        Assert.DoesNotContain("Connection:", seen.Head);
        Assert.DoesNotContain("Upgrade-Insecure-Requests", seen.Head);
        Assert.StartsWith("HTTP/1.1 299 Quite Fine\r\n", answer);
        Assert.Contains("\r\nX-OddCase: \u00e9 1\r\nX-OddCase: 2\r\n", answer);
        Assert.DoesNotContain("x-hop", answer);
        Assert.DoesNotContain("Keep-Alive", answer);
    }

    private static async Task AnswerAllAsync(NetworkStream stream, Func<TcpRequest, string> answer)
    {
        while (await ReadRequestAsync(stream) is { Head.Length: > 0 } request) await stream.WriteAsync(Encoding.Latin1.GetBytes(answer(request)));
    }

    private static async Task<TcpRequest> ReadRequestAsync(NetworkStream stream)
    {
        var text = "";
        var buffer = new byte[4096];
        while (true)
        {
            if (text.IndexOf("\r\n\r\n", StringComparison.Ordinal) is >= 0 and var end) return new TcpRequest(text[..(end + 4)], text[(end + 4)..]);
            var count = await stream.ReadAsync(buffer);
            if (count == 0) return new TcpRequest("", "");
            text += Encoding.Latin1.GetString(buffer, 0, count);
        }
    }

    private static async Task WriteInStepsAsync(NetworkStream stream, string text, int step)
    {
        var bytes = Encoding.Latin1.GetBytes(text);
        for (var at = 0; at < bytes.Length; at += step) await stream.WriteAsync(bytes.AsMemory(at, Math.Min(step, bytes.Length - at)));
    }

    private sealed record TcpRequest(string Head, string Body);
}
