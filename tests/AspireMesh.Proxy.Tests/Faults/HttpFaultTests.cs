using System.Net;
using System.Text;
using AspireMesh.Protocol.Faults;
using AspireMesh.Protocol.Policies;
using AspireMesh.Proxy.Tests.Pairs;
using AspireMesh.Proxy.Tests.Pipeline;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;

namespace AspireMesh.Proxy.Tests.Faults;

/// <summary>What an untouched HttpClient sees of each fault of HTTP and of connections.</summary>
public class HttpFaultTests
{
    private const string Body = "0123456789abcdef";

    /// <summary>Kind, what is set, and what the caller hears: a status with the body, or how it broke.</summary>
    public static TheoryData<string, FaultSide, string> Seen { get; } = new(
        from side in new[] { FaultSide.Outbound, FaultSide.Inbound }
        from one in new[]
        {
            ("abort", "503"), ("abort-grpc", "200"), ("rate-limit", "429 after 5"), ("truncate", "cut"), ("byte-limit", "cut"), ("corrupt", "200 01?3456789abcdef"), ("duplicate", $"200 {Body}{Body}"),
            ("half-close", "200 0123"), ("drop-response", "502"), ("header", "200 changed"), ("header-gone", "200 without"), ("replay", $"200 {Body} twice"), ("slicer", $"200 {Body}"), ("throttle", $"200 {Body}"),
            ("bandwidth", $"200 {Body}"), ("slow-close", $"200 {Body}"), ("refuse", "503"), ("delay", $"200 {Body}"), ("rotate-now", $"200 {Body}"),
        }
        select (one.Item1, side, one.Item2));

    [Theory]
    [MemberData(nameof(Seen))]
    public async Task The_caller_sees_the_failure_and_other_traffic_does_not(string which, FaultSide side, string expected)
    {
        var rule = FaultPair.Rule(FaultOf(which), side) with { Match = new RouteMatch { Path = new StringMatch(StringMatchKind.Prefix, "/hit") } };
        await using var pair = await HttpPair.StartAsync(AnswerAsync, new HttpPairOptions().With(rule));
        Assert.Equal($"200 {Body}", await SeeAsync(pair, "/other"));
        Assert.Equal(expected, await SeeAsync(pair, "/hit"));
        Assert.Equal($"200 {Body}", await SeeAsync(pair, "/other"));
        var events = side == FaultSide.Outbound ? pair.Pair.CallerEvents : pair.Pair.CalleeEvents;
        Assert.Equal([rule.Id], events.Faults);
        var marked = await RecordedEvents.EventuallyAsync(() => events.Requests.Where(r => r.Faults == rule.Id).Select(r => (Proxy.Runtime.RequestEnd?)r).FirstOrDefault());
        Assert.Contains(which == "delay" ? "DI" : "FI", marked.Flags!.Split(','));
        Assert.Equal(2, await RecordedEvents.EventuallyAsync<int>(() => events.Requests.Count(r => r.Faults is null && r.Status == 200) is 2 ? 2 : null));
    }

    [Theory]
    [InlineData("reset", FaultSide.Outbound, "502")]
    [InlineData("reset", FaultSide.Inbound, "502")]
    [InlineData("black-hole", FaultSide.Outbound, "504")]
    [InlineData("black-hole", FaultSide.Inbound, "504")]
    [InlineData("hang", FaultSide.Outbound, "504")]
    [InlineData("hang", FaultSide.Inbound, "504")]
    public async Task What_gives_no_answer_runs_into_the_callers_deadline_or_breaks(string which, FaultSide side, string expected)
    {
        var options = new HttpPairOptions().WithRoute(r => r with { Timeouts = new TimeoutPolicy { Request = TimeSpan.FromSeconds(2) } });
        await using var pair = await HttpPair.StartAsync(AnswerAsync, options.With(FaultPair.Rule(FaultOf(which), side) with { Activation = new() { First = 1 } }));
        Assert.Equal(expected, await SeeAsync(pair, "/hit"));
        // Accept-and-hang is told from a black hole by whether the app got the request.
        Assert.Equal(which == "hang" ? 1 : 0, pair.App.Requests.Count);
        Assert.Equal($"200 {Body}", await SeeAsync(pair, "/hit"));
    }

    [Theory]
    [InlineData("corrupt", "")]
    [InlineData("duplicate", "abcdefabcdef")]
    [InlineData("half-close", "abcd")]
    public async Task The_request_body_is_a_direction_of_its_own(string which, string expected)
    {
        var fault = FaultOf(which) with { Direction = "request", Bytes = which == "corrupt" ? 2 : 4 };
        var got = new TaskCompletionSource<byte[]>();
        await using var pair = await HttpPair.StartAsync(async context =>
        {
            var copy = new MemoryStream();
            await context.Request.Body.CopyToAsync(copy);
            got.SetResult(copy.ToArray());
        }, new HttpPairOptions().With(FaultPair.Rule(fault)));
        using var response = await pair.Client.PostAsync("/hit", new StringContent("abcdef"), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var bytes = await got.Task.WaitAsync(FaultPair.Patience);
        Assert.Equal(which == "corrupt" ? [(byte)'a', (byte)'b', unchecked((byte)~'c'), (byte)'d', (byte)'e', (byte)'f'] : Encoding.ASCII.GetBytes(expected), bytes);
    }

    [Fact]
    public async Task A_cut_request_body_is_a_reset_that_a_retry_mends()
    {
        var fault = FaultOf("truncate") with { Direction = "request", Bytes = 3 };
        await using var pair = await HttpPair.StartAsync(async context => await context.Response.WriteAsync(await new StreamReader(context.Request.Body).ReadToEndAsync()),
            new HttpPairOptions().WithRetry().With(FaultPair.Rule(fault) with { Activation = new() { First = 1 } }));
        using var response = await pair.Client.PutAsync("/hit", new StringContent("abcdef"), TestContext.Current.CancellationToken);
        Assert.Equal("abcdef", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Equal(2, (await EndedAsync(pair, 0)).Attempts);
    }

    [Fact]
    public async Task A_throttled_body_comes_as_slowly_as_the_clock_says()
    {
        var time = new FakeTimeProvider();
        await using var pair = await HttpPair.StartAsync(AnswerAsync, new HttpPairOptions { Time = time }.With(FaultPair.Rule(new Fault { Kind = FaultKinds.Throttle, BytesPerSecond = 20 })));
        var reading = pair.Client.GetStringAsync("/hit", TestContext.Current.CancellationToken);
        // One byte each 50 ms of a clock that only this loop moves.
        while (await Task.WhenAny(reading, Task.Delay(5, TestContext.Current.CancellationToken)) != reading) time.Advance(TimeSpan.FromMilliseconds(5));

        Assert.Equal(Body, await reading);
        Assert.True(time.GetUtcNow() - time.Start >= TimeSpan.FromMilliseconds(16 * 50));
    }

    [Fact]
    public async Task Faults_compose_in_their_order_and_one_that_answers_ends_the_list()
    {
        FaultRule Named(string id, int order, Fault fault) => FaultPair.Rule(fault) with { Id = id, Order = order };
        await using var pair = await HttpPair.StartAsync(AnswerAsync, new HttpPairOptions().With(
            Named("third", 3, FaultOf("header")), Named("first", 1, FaultOf("delay")), Named("second", 2, FaultOf("abort") with { Status = 418 }) with { Activation = new() { First = 1 } }));
        Assert.Equal("418", await SeeAsync(pair, "/hit"));
        Assert.Equal("first,second", (await EndedAsync(pair, 0)).Faults);
        Assert.Equal("200 changed", await SeeAsync(pair, "/hit"));
        Assert.Equal("first,third", (await EndedAsync(pair, 1)).Faults);
    }

    [Theory]
    [InlineData(FaultSide.Outbound)]
    [InlineData(FaultSide.Inbound)]
    public async Task A_share_of_requests_fails_within_its_bound_and_again_the_same_ones(FaultSide side)
    {
        const int Requests = 400;
        var runs = new List<string>();
        for (var run = 0; run < 2; run++)
        {
            var rule = FaultPair.Rule(FaultOf("abort"), side) with { Activation = new() { Percent = 25 } };
            await using var pair = await HttpPair.StartAsync(AnswerAsync, new HttpPairOptions().With(rule));
            var seen = new StringBuilder();
            for (var i = 0; i < Requests; i++) seen.Append(await SeeAsync(pair, "/hit") == "503" ? 'x' : '.');
            runs.Add(seen.ToString());
        }

        // 400 × 25 % = 100 with a standard deviation of 8.7; 3.29 of them hold 99.9 %.
        Assert.InRange(runs[0].Count(c => c == 'x'), 71, 129);
        Assert.Equal(runs[0], runs[1]);
    }

    [Fact]
    public async Task Fault_headers_of_a_client_do_nothing()
    {
        await using var pair = await HttpPair.StartAsync(AnswerAsync);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/hit");
        request.Headers.Add("x-envoy-fault-abort-request", "503");
        request.Headers.Add("x-envoy-fault-abort-request-percentage", "100");
        request.Headers.Add("x-envoy-fault-delay-request", "600000");
        request.Headers.Add("x-envoy-fault-delay-request-percentage", "100");
        request.Headers.Add("x-envoy-fault-throughput-response", "1");
        using var response = await pair.Client.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal((HttpStatusCode.OK, Body), (response.StatusCode, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)));
        Assert.Null((await EndedAsync(pair, 0)).Faults);
    }

    [Theory]
    [InlineData("no-destinations")]
    [InlineData("flapping")]
    [InlineData("flapping-one")]
    [InlineData("stale-destinations")]
    public async Task Discovery_may_be_wrong_for_a_while(string which)
    {
        var time = new FakeTimeProvider();
        await using var pair = await HttpPair.StartAsync(AnswerAsync, new HttpPairOptions { Time = time }.With(FaultPair.Rule(FaultOf(which)) with { ExpiresAt = time.GetUtcNow().AddSeconds(9) }));
        Assert.Equal("503", await SeeAsync(pair, "/hit"));
        Assert.Contains(which is "no-destinations" or "flapping" ? "UH" : "UF", (await EndedAsync(pair, 0)).Flags);
        time.Advance(TimeSpan.FromSeconds(6));
        if (which.StartsWith("flapping", StringComparison.Ordinal)) Assert.Equal($"200 {Body}", await SeeAsync(pair, "/hit"));
        time.Advance(TimeSpan.FromSeconds(6));
        Assert.Equal($"200 {Body}", await SeeAsync(pair, "/hit"));
    }

    [Fact]
    public async Task An_inbound_fault_meets_requests_of_callers_that_were_connected_before()
    {
        await using var pair = await HttpPair.StartAsync(AnswerAsync);
        Assert.Equal($"200 {Body}", await SeeAsync(pair, "/hit"));
        var before = pair.Pair.CalleeSnapshot;
        await pair.Pair.ApplyCalleeAsync(FaultPair.On(before, FaultSide.Inbound, FaultPair.Rule(FaultOf("abort"), FaultSide.Inbound)));
        await RecordedEvents.EventuallyAsync<bool>(() => SeeAsync(pair, "/hit").GetAwaiter().GetResult() == "503" ? true : null);
        await pair.Pair.ApplyCalleeAsync(before);
        Assert.Equal($"200 {Body}", await SeeAsync(pair, "/hit"));
    }

    internal static Fault FaultOf(string which) => which switch
    {
        "abort" => new Fault { Kind = which, Status = 503 },
        "abort-grpc" => new Fault { Kind = FaultKinds.Abort, GrpcStatus = 14 },
        "rate-limit" => new Fault { Kind = which, Delay = TimeSpan.FromSeconds(5) },
        "truncate" or "byte-limit" or "half-close" or "slicer" => new Fault { Kind = which, Bytes = 4 },
        "corrupt" => new Fault { Kind = which, Bytes = 2 },
        "header" => new Fault { Kind = which, Name = "x-kept", Value = "changed" },
        "header-gone" => new Fault { Kind = FaultKinds.Header, Name = "x-kept" },
        "throttle" or "bandwidth" => new Fault { Kind = which, BytesPerSecond = 1000 },
        "delay" or "slow-close" => new Fault { Kind = which, Delay = TimeSpan.FromMilliseconds(20) },
        "flapping" => new Fault { Kind = which, Delay = TimeSpan.FromSeconds(10) },
        "flapping-one" => new Fault { Kind = FaultKinds.Flapping, Delay = TimeSpan.FromSeconds(10), Name = "api" },
        _ => new Fault { Kind = which },
    };

    /// <summary>How the n-th request ended, from 0; it is told after the answer has gone out.</summary>
    private static Task<Proxy.Runtime.RequestEnd> EndedAsync(HttpPair pair, int index) =>
        RecordedEvents.EventuallyAsync(() => pair.Pair.CallerEvents.Requests.Skip(index).Select(r => (Proxy.Runtime.RequestEnd?)r).FirstOrDefault());

    private static Task AnswerAsync(HttpContext context)
    {
        context.Response.Headers["x-kept"] = "kept";
        context.Response.ContentLength = Body.Length;
        return context.Response.WriteAsync(Body);
    }

    private static async Task<string> SeeAsync(HttpPair pair, string path)
    {
        var before = pair.App.Requests.Count;
        try
        {
            using var response = await pair.Client.GetAsync(path, HttpCompletionOption.ResponseHeadersRead);
            var body = Encoding.Latin1.GetString(await response.Content.ReadAsByteArrayAsync());
            if (response.Headers.RetryAfter?.Delta is { } wait) return $"{(int)response.StatusCode} after {wait.TotalSeconds}";
            if (response.Headers.Contains("x-mesh-error")) return $"{(int)response.StatusCode}";
            var kept = response.Headers.TryGetValues("x-kept", out var values) ? values.Single() : "without";
            return $"{(int)response.StatusCode} {(kept == "kept" ? body.Replace((char)0xcd, '?') : kept)}{(pair.App.Requests.Count - before > 1 ? " twice" : "")}";
        }
        catch (HttpRequestException e) when (e.HttpRequestError is HttpRequestError.ResponseEnded or HttpRequestError.InvalidResponse or HttpRequestError.Unknown)
        {
            return "cut";
        }
    }
}
