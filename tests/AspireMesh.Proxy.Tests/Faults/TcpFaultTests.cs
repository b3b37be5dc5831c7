using System.Net.Sockets;
using System.Text;
using AspireMesh.Protocol.Faults;
using AspireMesh.Protocol.Model;
using AspireMesh.Proxy.Tests.Pairs;

namespace AspireMesh.Proxy.Tests.Faults;

/// <summary>Faults on opaque connections, executed at either end, as a plain socket sees them.</summary>
public class TcpFaultTests
{
    /// <summary>Sends "hello", ends its side, and reads what comes: text, how it ended.</summary>
    public static TheoryData<string, FaultSide, string> Seen { get; } = new(
        from side in new[] { FaultSide.Outbound, FaultSide.Inbound }
        from one in new[]
        {
            ("reset", "reset"), ("abort", "reset"), ("refuse", "reset"), ("hang", "end"), ("black-hole", "end"), ("half-close", "HELL end"), ("byte-limit", "HELL reset"),
            ("corrupt", "HE?LO end"), ("slicer", "HELLO end"), ("bandwidth", "HELLO end"), ("slow-close", "HELLO end"), ("delay", "HELLO end"),
        }
        select (one.Item1, side, one.Item2));

    [Theory]
    [MemberData(nameof(Seen))]
    public async Task A_connection_is_hit_and_the_next_is_not(string which, FaultSide side, string expected)
    {
        await using var app = TcpApp.Start(static async s => await EchoUpperAsync(s));
        // What the callee refuses before a byte was sent is tried again, three times in all.
        var fires = which == "refuse" && side == FaultSide.Inbound ? 3 : 1;
        var rule = FaultPair.Rule(HttpFaultTests.FaultOf(which), side) with { Activation = new() { First = fires } };
        await using var pair = await StartAsync(app, rule);
        var seen = await TalkAsync(pair);
        // A reset may overtake bytes that were on their way.
        Assert.True(seen == expected || (expected == "HELL reset" && seen == "reset"), seen);
        var events = side == FaultSide.Outbound ? pair.CallerEvents : pair.CalleeEvents;
        Assert.Equal(Enumerable.Repeat(rule.Id, fires), events.Faults);
        Assert.Equal("HELLO end", await TalkAsync(pair));
        if (which is "black-hole" or "reset" or "refuse") Assert.Equal(1, app.Connections);
        if (which == "hang") Assert.Equal(2, app.Connections);
    }

    [Theory]
    [InlineData("corrupt", FaultSide.Outbound, "HE?LO end")]
    [InlineData("corrupt", FaultSide.Inbound, "HE?LO end")]
    [InlineData("half-close", FaultSide.Outbound, "HELL end")]
    [InlineData("half-close", FaultSide.Inbound, "HELL end")]
    public async Task The_way_there_is_a_direction_of_its_own(string which, FaultSide side, string expected)
    {
        await using var app = TcpApp.Start(static async s => await EchoUpperAsync(s));
        await using var pair = await StartAsync(app, FaultPair.Rule(HttpFaultTests.FaultOf(which) with { Direction = "request" }, side));
        Assert.Equal(expected, await TalkAsync(pair));
    }

    [Theory]
    [InlineData("no-destinations")]
    [InlineData("stale-destinations")]
    public async Task Discovery_may_be_wrong_for_a_connection(string which)
    {
        await using var app = TcpApp.Start(static async s => await EchoUpperAsync(s));
        await using var pair = await StartAsync(app, FaultPair.Rule(HttpFaultTests.FaultOf(which)) with { Activation = new() { First = 1 } });
        Assert.Equal("reset", await TalkAsync(pair));
        Assert.Equal("HELLO end", await TalkAsync(pair));
    }

    [Fact]
    public async Task A_kind_of_requests_takes_no_ordinal_of_a_connection()
    {
        await using var app = TcpApp.Start(static async s => await EchoUpperAsync(s));
        await using var pair = await StartAsync(app, FaultPair.Rule(HttpFaultTests.FaultOf("header")), FaultPair.Rule(HttpFaultTests.FaultOf("rate-limit")), FaultPair.Rule(HttpFaultTests.FaultOf("stream-drop")));
        Assert.Equal("HELLO end", await TalkAsync(pair));
        Assert.Empty(pair.CallerEvents.Faults);
    }

    private static Task<SidecarPair> StartAsync(TcpApp app, params FaultRule[] rules) => SidecarPair.StartAsync(new SidecarPairOptions
    {
        Protocol = AppProtocol.Tcp,
        App = app.Address,
        EditCaller = s => FaultPair.On(s, FaultSide.Outbound, rules),
        EditCallee = s => FaultPair.On(s, FaultSide.Inbound, rules),
    });

    private static async Task EchoUpperAsync(NetworkStream stream)
    {
        var all = new MemoryStream();
        await stream.CopyToAsync(all);
        var text = all.ToArray();
        for (var i = 0; i < text.Length; i++) text[i] = (byte)(text[i] is >= (byte)'a' and <= (byte)'z' ? text[i] - 32 : text[i]);
        await stream.WriteAsync(text);
    }

    private static async Task<string> TalkAsync(SidecarPair pair)
    {
        using var client = new TcpClient();
        var got = new MemoryStream();
        string end;
        try
        {
            await client.ConnectAsync(pair.Outbound);
            var stream = client.GetStream();
            await stream.WriteAsync("hello"u8.ToArray());
            client.Client.Shutdown(SocketShutdown.Send);
            await stream.CopyToAsync(got).WaitAsync(FaultPair.Patience);
            end = "end";
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            end = "reset";
        }

        var text = string.Concat(got.ToArray().Select(b => b is >= (byte)'A' and <= (byte)'Z' ? (char)b : '?'));
        return text.Length == 0 ? end : $"{text} {end}";
    }
}
