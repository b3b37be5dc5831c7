using System.Net;
using AspireMesh.Protocol.Policies;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Tests.Pairs;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;

namespace AspireMesh.Proxy.Tests.Pipeline;

/// <summary>Policies of an edge over real sockets and TLS, one test each; the rules have unit tests of their own.</summary>
public class EdgePolicyTests
{
    [Fact]
    public async Task Beyond_the_cap_one_waits_and_the_next_gets_503_at_once()
    {
        var release = new TaskCompletionSource();
        var arrived = new SemaphoreSlim(0);
        await using var pair = await HttpPair.StartAsync(
            async c =>
            {
                arrived.Release();
                await release.Task;
                await c.Response.WriteAsync("done");
            },
            Limited(running: 1, pending: 1));
        var first = pair.Client.GetStringAsync("");
        await arrived.WaitAsync();
        var others = new[] { pair.Client.GetAsync(""), pair.Client.GetAsync("") };
        using var refused = await await Task.WhenAny(others);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        Assert.StartsWith("UO;", Assert.Single(refused.Headers.GetValues("x-mesh-error")));
        release.SetResult();
        Assert.Equal("done", await first);
        Assert.Contains(HttpStatusCode.OK, (await Task.WhenAll(others)).Select(r => r.StatusCode));
    }

    [Fact]
    public async Task An_open_breaker_answers_in_place_of_the_app()
    {
        await using var pair = await HttpPair.StartAsync(
            c => { c.Response.StatusCode = 500; return Task.CompletedTask; },
            new HttpPairOptions().WithCluster(c => c with { CircuitBreaker = new CircuitBreakerPolicy { MinimumThroughput = 5, BreakDuration = TimeSpan.FromMinutes(10) } }));
        for (var i = 0; i < 5; i++) await pair.Client.GetAsync("");
        using var sixth = await pair.Client.GetAsync("");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, sixth.StatusCode);
        Assert.Equal("UO", pair.LastRequest.Flags);
        Assert.Equal(5, pair.App.Requests.Count);
    }

    [Fact]
    public async Task The_same_user_meets_the_same_destination()
    {
        await using var one = await TestApp.AnsweringAsync(200, "one");
        await using var two = await TestApp.AnsweringAsync(200, "two");
        var policy = new LoadBalancingPolicy { Algorithm = LoadBalancingAlgorithm.ConsistentHash, HashSource = HashSource.Cookie, HashName = "user" };
        await using var pair = await HttpPair.InFrontOfAsync([one.Address, two.Address], new HttpPairOptions().WithCluster(c => c with { LoadBalancing = policy }));
        var homes = new HashSet<string>();
        for (var user = 0; user < 20; user++)
        {
            var seen = new HashSet<string>();
            for (var i = 0; i < 3; i++)
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, "");
                request.Headers.TryAddWithoutValidation("Cookie", $"a=b; user=u{user}");
                using var response = await pair.Client.SendAsync(request);
                seen.Add(await response.Content.ReadAsStringAsync());
            }

            homes.Add(Assert.Single(seen));
        }

        Assert.Equal(2, homes.Count);
    }

    [Fact]
    public async Task With_one_destination_ten_times_slower_peak_ewma_has_a_fifth_of_round_robins_p99_or_less_on_the_wire()
    {
        var ewma = await SlowestOfAHundredAsync(LoadBalancingAlgorithm.PeakEwma);
        var roundRobin = await SlowestOfAHundredAsync(LoadBalancingAlgorithm.RoundRobin);
        Assert.True(ewma * 5 <= roundRobin, $"p99: peak EWMA {ewma} ms, round robin {roundRobin} ms");
    }

    /// <summary>The p99, on the policies' clock, of 1,500 requests over sockets and TLS to three apps that take 20, 20 and 200 ms of it: what the machine is busy with counts for nothing.</summary>
    private static async Task<double> SlowestOfAHundredAsync(LoadBalancingAlgorithm algorithm)
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var one = await TakesAsync(time, 20);
        await using var two = await TakesAsync(time, 20);
        await using var slow = await TakesAsync(time, 200);
        await using var pair = await HttpPair.InFrontOfAsync([one.Address, two.Address, slow.Address], new HttpPairOptions { Time = time }.WithCluster(c => c with { LoadBalancing = new() { Algorithm = algorithm } }));
        var times = new List<double>();
        for (var i = 0; i < 1500; i++)
        {
            var start = time.GetTimestamp();
            using var response = await pair.Client.GetAsync("");
            Assert.Equal(200, (int)response.StatusCode);
            times.Add(time.GetElapsedTime(start).TotalMilliseconds);
        }
        times.Sort();
        return times[(int)(times.Count * 0.99)];
    }

    private static Task<TestApp> TakesAsync(FakeTimeProvider time, int milliseconds) => TestApp.StartAsync(c =>
    {
        time.Advance(TimeSpan.FromMilliseconds(milliseconds));
        return Task.CompletedTask;
    });

    [Fact]
    public async Task A_preflight_never_reaches_the_app_and_its_answer_permits_the_page()
    {
        await using var pair = await HttpPair.StartAsync(
            c => c.Response.WriteAsync("data"), new HttpPairOptions().WithRoute(r => r with { Cors = new CorsPolicy { Origins = ["https://page.test"], Methods = ["PUT"] } }));
        using var preflight = new HttpRequestMessage(HttpMethod.Options, "");
        preflight.Headers.TryAddWithoutValidation("Origin", "https://page.test");
        preflight.Headers.TryAddWithoutValidation("Access-Control-Request-Method", "PUT");
        using var permission = await pair.Client.SendAsync(preflight);
        Assert.Equal((HttpStatusCode.NoContent, "PUT"), (permission.StatusCode, Assert.Single(permission.Headers.GetValues("Access-Control-Allow-Methods"))));
        Assert.Empty(pair.App.Requests);
        using var get = new HttpRequestMessage(HttpMethod.Get, "");
        get.Headers.TryAddWithoutValidation("Origin", "https://page.test");
        using var data = await pair.Client.SendAsync(get);
        Assert.Equal("https://page.test", Assert.Single(data.Headers.GetValues("Access-Control-Allow-Origin")));
    }

    [Fact]
    public async Task Under_more_load_than_it_can_take_an_app_is_spared_and_the_refused_are_told_when_to_come_back()
    {
        var running = 0;
        var most = 0;
        var release = new TaskCompletionSource();
        await using var pair = await HttpPair.StartAsync(
            async c =>
            {
                var now = Interlocked.Increment(ref running);
                InterlockedMax(ref most, now);
                await release.Task;
                Interlocked.Decrement(ref running);
            },
            new HttpPairOptions().WithInbound(e => e with { LoadShedding = new LoadSheddingPolicy { MinConcurrency = 3, MaxConcurrency = 3 } }));
        var all = Enumerable.Range(0, 10).Select(_ => pair.Client.GetAsync("")).ToList();
        for (var refused = 0; refused < 7; refused++)
        {
            var next = await Task.WhenAny(all);
            all.Remove(next);
            using var response = await next;
            Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
            Assert.NotNull(response.Headers.RetryAfter);
        }

        // The refusals may all be back before the last of the admitted has reached the app.
        await RecordedEvents.EventuallyAsync<bool>(() => Volatile.Read(ref most) == 3 ? true : null);
        release.SetResult();
        foreach (var admitted in await Task.WhenAll(all)) Assert.Equal(HttpStatusCode.OK, admitted.StatusCode);
        Assert.Equal(3, most);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_caller_without_a_reference_gets_403_with_the_line_to_type_and_no_byte_reaches_the_app(bool worksOnRequests)
    {
        var options = new HttpPairOptions { Callee = s => s with { Inbound = s.Inbound with { Endpoints = [s.Inbound.Endpoints[0] with { WorksOnRequests = worksOnRequests, Authorization = [] }] } } };
        await using var pair = await HttpPair.StartAsync(c => c.Response.WriteAsync("in"), options.WithRetry());
        using var response = await pair.Client.PostAsync("", new StringContent("x"));
        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
        Assert.StartsWith("UAEX;", Assert.Single(response.Headers.GetValues("x-mesh-error")));
        Assert.Contains("AllowFrom", await response.Content.ReadAsStringAsync());
        Assert.Empty(pair.App.Requests);
        Assert.Equal(1, pair.LastRequest.Attempts);
    }

    [Fact]
    public async Task A_destination_that_leaves_and_one_that_comes_need_no_restart()
    {
        await using var one = await TestApp.AnsweringAsync(200, "one");
        await using var two = await TestApp.AnsweringAsync(200, "two");
        ClusterSnapshot cluster = null!;
        await using var pair = await HttpPair.InFrontOfAsync([one.Address, two.Address], new HttpPairOptions().WithCluster(c => (cluster = c) with { Destinations = [c.Destinations[0]] }));
        Assert.Equal("one", await pair.Client.GetStringAsync(""));
        await pair.Pair.ApplyCallerAsync(pair.Pair.CallerSnapshot with { Clusters = [cluster with { Destinations = [cluster.Destinations[1]] }] });
        Assert.Equal("two", await pair.Client.GetStringAsync(""));
        await pair.Pair.ApplyCallerAsync(pair.Pair.CallerSnapshot with { Clusters = [cluster with { Destinations = [] }] });
        using var none = await pair.Client.GetAsync("");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, none.StatusCode);
    }

    private static HttpPairOptions Limited(int running, int pending) => new()
    {
        Caller = s => s with { Outbound = [s.Outbound[0] with { Limits = new ConcurrencyPolicy { MaxConcurrentRequests = running, MaxPendingRequests = pending } }] },
    };

    private static void InterlockedMax(ref int target, int value)
    {
        for (int old; (old = Volatile.Read(ref target)) < value;) Interlocked.CompareExchange(ref target, value, old);
    }
}
