using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using AspireMesh.Protocol.Policies;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Tests.Pairs;
using AspireMesh.TestKit;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Tests.Pipeline;

public class RetryPipelineTests
{
    [Fact]
    public async Task A_get_that_meets_503_is_sent_again_and_the_caller_sees_only_the_good_answer()
    {
        var calls = 0;
        await using var pair = await HttpPair.StartAsync(
            c =>
            {
                c.Response.StatusCode = Interlocked.Increment(ref calls) == 1 ? 503 : 200;
                c.Response.Headers["x-call"] = calls.ToString();
                return c.Response.WriteAsync($"call {calls}");
            },
            new HttpPairOptions().WithRetry());
        using var response = await pair.Client.GetAsync("");
        Assert.Equal("call 2", await response.Content.ReadAsStringAsync());
        Assert.Equal("2", Assert.Single(response.Headers.GetValues("x-call")));
        Assert.Equal(2, pair.LastRequest.Attempts);
    }

    [Fact]
    public async Task A_post_that_meets_503_is_not_sent_again()
    {
        await using var pair = await HttpPair.StartAsync(c => { c.Response.StatusCode = 503; return c.Response.WriteAsync("no"); }, new HttpPairOptions().WithRetry());
        using var response = await pair.Client.PostAsync("", new StringContent("x"));
        Assert.Equal("no", await response.Content.ReadAsStringAsync());
        Assert.Single(pair.App.Requests);
    }

    [Fact]
    public async Task A_put_is_sent_again_with_its_whole_body_and_one_larger_than_is_kept_is_not()
    {
        var calls = 0;
        await using var pair = await HttpPair.StartAsync(
            async c =>
            {
                using var reader = new StreamReader(c.Request.Body);
                var body = await reader.ReadToEndAsync();
                c.Response.StatusCode = Interlocked.Increment(ref calls) % 2 == 1 ? 503 : 200;
                await c.Response.WriteAsync(body.Length.ToString());
            },
            new HttpPairOptions().WithRetry(new RetryPolicy { BackoffBase = TimeSpan.Zero, BackoffMax = TimeSpan.Zero, ReplayBytes = 10_000 }));
        using var small = await pair.Client.PutAsync("", new StringContent(new string('x', 10_000)));
        Assert.Equal((HttpStatusCode.OK, "10000"), (small.StatusCode, await small.Content.ReadAsStringAsync()));
        using var large = await pair.Client.PutAsync("", new StringContent(new string('x', 10_001)));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, large.StatusCode);
        Assert.Equal(3, calls);
    }

    [Theory]
    [InlineData("app")]
    [InlineData("sidecar")]
    public async Task A_post_to_a_destination_that_takes_no_connection_goes_to_another_one(string gone)
    {
        await using var app = await TestApp.AnsweringAsync(200, "here");
        var nobody = $"127.0.0.1:{FreePort.Next()}";
        await using var pair = await HttpPair.InFrontOfAsync([nobody, app.Address], new HttpPairOptions().WithRetry().WithCluster(RoundRobin)
            .WithCluster(c => gone == "app" ? c : c with { Destinations = [c.Destinations[0] with { Address = nobody }, c.Destinations[1]] }));
        for (var i = 0; i < 4; i++)
        {
            using var response = await pair.Client.PostAsync("", new StringContent("body"));
            Assert.Equal("here", await response.Content.ReadAsStringAsync());
        }

        Assert.Equal(4, app.Requests.Count);
    }

    [Theory]
    [InlineData("POST", "body")]
    [InlineData("POST", "")]
    [InlineData("PATCH", null)]
    public async Task A_request_that_is_not_idempotent_is_never_repeated_after_a_byte_was_sent_also_not_on_a_connection_that_was_kept(string method, string? body)
    {
        await using var server = new HangsUpOnSecond();
        await using var pair = await HttpPair.InFrontOfAsync([server.Address], new HttpPairOptions().WithRetry());
        using (var first = await pair.Client.GetAsync("")) Assert.Equal(HttpStatusCode.OK, first.StatusCode);
        using var request = new HttpRequestMessage(new HttpMethod(method), "") { Content = body is null ? null : new StringContent(body) };
        using var response = await pair.Client.SendAsync(request);
        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.Equal("UC", pair.LastRequest.Flags);
        Assert.Equal(1, server.Count(method));
    }

    [Fact]
    public async Task A_get_on_a_connection_that_breaks_is_repeated()
    {
        await using var server = new HangsUpOnSecond();
        await using var pair = await HttpPair.InFrontOfAsync([server.Address], new HttpPairOptions().WithRetry());
        for (var i = 0; i < 4; i++)
        {
            using var response = await pair.Client.GetAsync("");
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }
    }

    [Fact]
    public async Task Nobody_there_is_503_with_the_reason_and_the_next_line_to_type()
    {
        await using var pair = await HttpPair.InFrontOfPlainAsync([]);
        using var response = await pair.Client.GetAsync("");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Equal("'api.http' has no destination: it is not running.\nType: aspiremesh check\n", await response.Content.ReadAsStringAsync());
        Assert.Equal("UH", pair.LastRequest.Flags);
    }

    [Fact]
    public async Task With_one_of_three_destinations_answering_503_to_everything_callers_see_no_failures()
    {
        var (failed, ejections) = await WithOneOfThreeFailingAsync(new HttpPairOptions().WithRetry().WithCluster(c => c with { OutlierDetection = new() }));
        // The first few may find the budget's floor used up before the bad one is ejected; after them under one in a thousand.
        Assert.True(failed <= 2, $"{failed} of 2700 failed");
        Assert.Contains(ejections, e => e.StartsWith("d3 ", StringComparison.Ordinal));
        // What the policies are worth: without them it is far more.
        (failed, ejections) = await WithOneOfThreeFailingAsync(new HttpPairOptions().WithCluster(RoundRobin));
        Assert.True(failed > 800, $"{failed} of 2700 failed");
        Assert.Empty(ejections);
    }

    [Fact]
    public async Task With_all_three_failing_the_budget_holds_upstream_load_under_a_quarter_more()
    {
        Assert.InRange(await UpstreamOf2000WithAllFailingAsync(new RetryPolicy()), 2001, 2500);
        // A budget that allows each request its retries: up to two more.
        Assert.InRange(await UpstreamOf2000WithAllFailingAsync(new RetryPolicy { BudgetRatio = 1, BudgetMinPerSecond = 10_000 }), 2501, 6000);
    }

    private static async Task<(int Failed, IReadOnlyCollection<string> Ejections)> WithOneOfThreeFailingAsync(HttpPairOptions options)
    {
        await using var good1 = await TestApp.AnsweringAsync(200);
        await using var good2 = await TestApp.AnsweringAsync(200);
        await using var bad = await TestApp.AnsweringAsync(503);
        await using var pair = await HttpPair.InFrontOfAsync([good1.Address, good2.Address, bad.Address], options);
        var statuses = await SendAsync(pair.Client, requests: 3000);
        return (statuses.Skip(300).Count(s => s != 200), [.. pair.Pair.CallerEvents.Ejections]);
    }

    private static async Task<int> UpstreamOf2000WithAllFailingAsync(RetryPolicy retry)
    {
        await using var bad1 = await TestApp.AnsweringAsync(503);
        await using var bad2 = await TestApp.AnsweringAsync(503);
        await using var bad3 = await TestApp.AnsweringAsync(503);
        var options = new HttpPairOptions().WithRetry(retry with { BackoffBase = TimeSpan.FromMilliseconds(1), BackoffMax = TimeSpan.FromMilliseconds(2) }).WithCluster(c => c with { OutlierDetection = new() });
        await using var pair = await HttpPair.InFrontOfAsync([bad1.Address, bad2.Address, bad3.Address], options);
        await SendAsync(pair.Client, requests: 2000);
        return bad1.Requests.Count + bad2.Requests.Count + bad3.Requests.Count;
    }

    [Theory]
    [InlineData(90, true)]
    [InlineData(80, false)]
    public async Task A_split_of_90_to_10_lies_within_its_bound_on_the_wire_and_another_does_not(int weight, bool within)
    {
        await using var stable = await TestApp.AnsweringAsync(200, "stable");
        await using var canary = await TestApp.AnsweringAsync(200, "canary");
        await using var pair = await HttpPair.InFrontOfAsync([stable.Address, canary.Address], new HttpPairOptions
        {
            Caller = s => s with
            {
                Clusters = [s.Clusters[0] with { Destinations = [s.Clusters[0].Destinations[0]] }, s.Clusters[0] with { Name = "canary", Destinations = [s.Clusters[0].Destinations[1]] }],
                Outbound = [s.Outbound[0] with { Routes = [new RouteSnapshot { Name = "split", Clusters = [new ClusterWeight("api.http", weight), new ClusterWeight("canary", 100 - weight)] }] }],
            },
        });
        await SendAsync(pair.Client, requests: 20_000);
        var bound = 3.29 * Math.Sqrt(20_000 * 0.1 * 0.9);
        Assert.Equal(within, Math.Abs(canary.Requests.Count - 2000) <= bound);
        Assert.Equal(20_000, canary.Requests.Count + stable.Requests.Count);
    }

    [Fact]
    public async Task A_hedge_overtakes_a_destination_that_hangs()
    {
        await using var hangs = await TestApp.StartAsync(c => Task.Delay(Timeout.Infinite, c.RequestAborted));
        await using var answers = await TestApp.AnsweringAsync(200, "quick");
        var options = new HttpPairOptions().WithCluster(RoundRobin).WithRoute(r => r with { Hedging = new HedgingPolicy { Delay = TimeSpan.FromMilliseconds(20) } });
        await using var pair = await HttpPair.InFrontOfAsync([hangs.Address, answers.Address], options);
        for (var i = 0; i < 6; i++) Assert.Equal("quick", await pair.Client.GetStringAsync(""));
        Assert.NotEmpty(hangs.Requests);
    }

    [Fact]
    public async Task Between_attempts_it_waits_up_to_twice_as_long_each_time_and_never_longer_than_the_longest()
    {
        var time = new ImpatientTime();
        var retry = new RetryPolicy { MaxRetries = 5, BackoffBase = TimeSpan.FromMinutes(20), BackoffMax = TimeSpan.FromHours(1), BudgetMinPerSecond = 100 };
        await using var app = await TestApp.AnsweringAsync(503);
        await using var pair = await HttpPair.InFrontOfAsync([app.Address], new HttpPairOptions { Time = time, Services = static s => s with { Seed = 1 } }.WithRetry(retry).WithRoute(r => r with { Timeouts = new() { Request = TimeSpan.Zero } }));
        using var response = await pair.Client.GetAsync("");
        Assert.Equal((HttpStatusCode.ServiceUnavailable, 6), (response.StatusCode, app.Requests.Count));
        var waits = time.Waits.Select(w => w.TotalMinutes).ToArray();
        Assert.Equal(5, waits.Distinct().Count());
        Assert.All(waits.Zip([20.0, 40, 60, 60, 60]), w => Assert.InRange(w.First, 0, w.Second));
        Assert.True(waits.Max() > 20, string.Join(' ', waits));
    }

    /// <summary>What would take minutes is noted and over at once.</summary>
    private sealed class ImpatientTime : TimeProvider
    {
        public ConcurrentQueue<TimeSpan> Waits { get; } = new();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            if (dueTime < TimeSpan.FromMinutes(1)) return base.CreateTimer(callback, state, dueTime, period);
            Waits.Enqueue(dueTime);
            return base.CreateTimer(callback, state, TimeSpan.Zero, period);
        }
    }

    private static ClusterSnapshot RoundRobin(ClusterSnapshot cluster) => cluster with { LoadBalancing = new() { Algorithm = LoadBalancingAlgorithm.RoundRobin } };

    private static async Task<int[]> SendAsync(HttpClient client, int requests)
    {
        var statuses = new int[requests];
        var next = -1;
        await Task.WhenAll(Enumerable.Range(0, 16).Select(async _ =>
        {
            for (int i; (i = Interlocked.Increment(ref next)) < requests;)
            {
                using var response = await client.GetAsync("");
                statuses[i] = (int)response.StatusCode;
            }
        }));
        return statuses;
    }

    /// <summary>Answers the first request on a connection and hangs up after reading the second one.</summary>
    private sealed class HangsUpOnSecond : IAsyncDisposable
    {
        private readonly TcpApp _app;
        private readonly List<string> _seen = [];

        public HangsUpOnSecond() => _app = TcpApp.Start(ServeAsync);

        public string Address => _app.Address;

        public int Count(string method)
        {
            lock (_seen) return _seen.Count(m => m == method);
        }

        public ValueTask DisposeAsync() => _app.DisposeAsync();

        private async Task ServeAsync(NetworkStream stream)
        {
            var buffer = new byte[4096];
            for (var turn = 1; turn <= 2; turn++)
            {
                var read = await stream.ReadAsync(buffer);
                if (read == 0) return;
                lock (_seen) _seen.Add(Encoding.ASCII.GetString(buffer, 0, read).Split(' ')[0]);
                if (turn == 1) await stream.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"u8.ToArray());
            }
        }
    }
}
