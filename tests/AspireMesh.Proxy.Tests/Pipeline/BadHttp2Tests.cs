using Microsoft.AspNetCore.Http;
using static AspireMesh.Proxy.Tests.Pipeline.RawHttp2;

namespace AspireMesh.Proxy.Tests.Pipeline;

/// <summary>The bad-input table's HTTP/2 cases (23 to 27), raw frames into the outbound listener. Codes are those of RFC 9113 section 7.</summary>
public class BadHttp2Tests
{
    private static CancellationToken Patience => TestContext.Current.CancellationToken;

    /// <summary>What is sent on stream 1, and the verdicts that a proxy may give.</summary>
    public static TheoryData<string, byte[], string[]> Malformed { get; } = new()
    {
        { "23 an upper-case name", Request(("X-Upper", "1")), ["RST 1", "GOAWAY 1", "status 400"] },
        { "23 a Connection field", Request(("connection", "close")), ["RST 1", "GOAWAY 1"] },
        { "23 TE other than trailers", Request(("te", "gzip")), ["RST 1", "GOAWAY 1"] },
        { "23 a pseudo field twice", Request((":path", "/other")), ["RST 1", "GOAWAY 1"] },
        { "23 a pseudo field after others", Frame(Headers, EndStream | EndHeaders, 1, Block([.. Get()[..3], ("x", "1"), Get()[3]])), ["RST 1", "GOAWAY 1"] },
        { "23 an unknown pseudo field", Request((":protocol-x", "1")), ["RST 1", "GOAWAY 1"] },
        { "23 no method", Frame(Headers, EndStream | EndHeaders, 1, Block(Get()[1..])), ["RST 1", "GOAWAY 1"] },
        { "24 a line end in a value", Request(("x", "1\r\ny: 2")), ["RST 1", "GOAWAY 1"] },
        { "24 a NUL in a value", Request(("x", "1\02")), ["RST 1", "GOAWAY 1"] },
        { "24 content-length above the data", [.. Frame(Headers, EndHeaders, 1, Block([(":method", "POST"), .. Get()[1..], ("content-length", "10")])), .. Frame(Data, EndStream, 1, [1, 2])], ["RST 1", "GOAWAY 1"] },
        { "24 content-length below the data", [.. Frame(Headers, EndHeaders, 1, Block([(":method", "POST"), .. Get()[1..], ("content-length", "1")])), .. Frame(Data, EndStream, 1, [1, 2])], ["RST 1", "GOAWAY 1"] },
        { "27 a frame above the maximum", Frame(Data, 0, 1, new byte[20_000]), ["GOAWAY 6"] },
        { "27 a window that overflows", [.. Frame(WindowUpdate, 0, 0, [0x7f, 0xff, 0xff, 0xff]), .. Frame(WindowUpdate, 0, 0, [0x7f, 0xff, 0xff, 0xff])], ["GOAWAY 3"] },
        { "27 an index that is not in the table", Frame(Headers, EndStream | EndHeaders, 1, [0xff, 0x7f]), ["GOAWAY 9"] },
        { "27 headers above what is held", Frames(200), ["GOAWAY 11", "GOAWAY 1", "RST 1", "status 431", "closed"] },
        { "26 a CONTINUATION without headers", Frame(Continuation, EndHeaders, 1, []), ["GOAWAY 1"] },
        { "26 data on a stream that is not open", Frame(Data, EndStream, 1, [1]), ["GOAWAY 5", "GOAWAY 1", "RST 5"] },
        { "26 SETTINGS of seven bytes", Frame(Settings, 0, 0, new byte[7]), ["GOAWAY 6"] },
        { "26 a PING of seven bytes", Frame(Ping, 0, 0, new byte[7]), ["GOAWAY 6"] },
    };

    [Theory]
    [MemberData(nameof(Malformed))]
    public async Task Malformed_frames_end_their_stream_or_connection_and_nothing_of_them_reaches_the_app(string name, byte[] bytes, string[] verdicts)
    {
        var whole = 0;
        await using var pair = await HttpPair.StartAsync(
            async c =>
            {
                await c.Request.Body.CopyToAsync(Stream.Null);
                Interlocked.Increment(ref whole);
            },
            new HttpPairOptions { Http2 = true });
        using (var raw = await ConnectAsync(pair.Pair.Outbound))
        {
            await raw.SendAsync(bytes);
            var verdict = await raw.VerdictAsync(1, Patience);
            Assert.True(verdicts.Any(v => verdict.StartsWith(v, StringComparison.Ordinal) || (v is "status 400" && verdict.StartsWith("status ", StringComparison.Ordinal))), $"{name}: {verdict}");
        }
        Assert.Equal(0, whole);
        using var next = await pair.Client.GetAsync("", Patience);
        Assert.Equal(200, (int)next.StatusCode);
    }

    [Fact]
    public async Task Framing_of_another_version_and_a_second_host_never_reach_the_app()
    {
        string? seen = null;
        await using var pair = await HttpPair.StartAsync(
            c =>
            {
                seen = $"{c.Request.Host} {c.Request.Headers.TransferEncoding}";
                return Task.CompletedTask;
            },
            new HttpPairOptions { Http2 = true });
        using var raw = await ConnectAsync(pair.Pair.Outbound);
        await raw.SendAsync(Request(("transfer-encoding", "chunked"), ("host", "b")));
        var verdict = await raw.VerdictAsync(1, Patience);
        // Refusing it is right (RFC 9113 section 8.2.2); what may not be is that the app sees it.
        Assert.True(verdict is "RST 1" or "GOAWAY 1" || seen == "a ", $"{verdict}: {seen}");
    }

    [Theory]
    [InlineData("25 rapid reset")]
    [InlineData("26 PING flood")]
    [InlineData("26 SETTINGS flood")]
    [InlineData("26 CONTINUATION flood")]
    [InlineData("26 empty DATA flood")]
    public async Task A_flood_on_one_connection_leaves_the_others_alone(string name)
    {
        await using var pair = await HttpPair.StartAsync(c => c.Response.WriteAsync("well"), new HttpPairOptions { Http2 = true });
        using var raw = await ConnectAsync(pair.Pair.Outbound);
        var flood = FloodAsync(raw, name);
        for (var i = 0; i < 20; i++) Assert.Equal("well", await pair.Client.GetStringAsync("", Patience));
        await flood;
        Assert.Equal("well", await pair.Client.GetStringAsync("", Patience));
        // What a flooding connection opened does not stay open at the app.
        if (name.StartsWith("25", StringComparison.Ordinal)) Assert.InRange(pair.App.Requests.Count, 21, 21 + 2000);
    }

    private static async Task FloodAsync(RawHttp2 raw, string name)
    {
        var request = Block(Get());
        if (name.Contains("CONTINUATION", StringComparison.Ordinal)) await raw.SendAsync(Headers, EndStream, 1, request);
        if (name.Contains("DATA", StringComparison.Ordinal)) await raw.SendAsync(Headers, EndHeaders, 1, Block([(":method", "POST"), .. Get()[1..]]));
        for (var i = 0; i < 2000; i++)
        {
            var stream = (i * 2) + 1;
            await raw.SendAsync(name switch
            {
                "25 rapid reset" => [.. Frame(Headers, EndStream | EndHeaders, stream, request), .. Frame(RstStream, 0, stream, [0, 0, 0, 8])],
                "26 PING flood" => Frame(Ping, 0, 0, new byte[8]),
                "26 SETTINGS flood" => Frame(Settings, 0, 0, []),
                "26 CONTINUATION flood" => Frame(Continuation, 0, 1, Block(("x-more", new string('a', 100)))),
                _ => Frame(Data, 0, 1, []),
            });
        }
    }

    private static byte[] Request(params (string Name, string Value)[] more) => Frame(Headers, EndStream | EndHeaders, 1, Block(Get(more)));

    private static byte[] Frames(int kilobytes)
    {
        var block = Block(Get([.. Enumerable.Range(0, kilobytes).Select(i => ($"x-{i}", new string('a', 1000)))]));
        var parts = block.Chunk(16_000).ToArray();
        return [.. Frame(Headers, EndStream, 1, parts[0]), .. parts[1..^1].SelectMany(p => Frame(Continuation, 0, 1, p)), .. Frame(Continuation, EndHeaders, 1, parts[^1])];
    }
}
