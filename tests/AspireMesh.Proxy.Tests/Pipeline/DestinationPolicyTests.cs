using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using AspireMesh.Protocol.Policies;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Tests.Pairs;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;

namespace AspireMesh.Proxy.Tests.Pipeline;

/// <summary>Which destination gets a request, and when another: policies over real sockets and mTLS, their time a clock that the test moves.</summary>
public class DestinationPolicyTests
{
    private static readonly RetryPolicy s_quick = new() { BackoffBase = TimeSpan.FromMilliseconds(1), BackoffMax = TimeSpan.FromMilliseconds(1), MaxRetries = 1 };

    [Fact]
    public async Task Weights_share_out_requests()
    {
        await using var apps = await Apps.StartAsync(2);
        await using var pair = await apps.PairAsync(c => c with { LoadBalancing = new() { Algorithm = LoadBalancingAlgorithm.RoundRobin }, Destinations = [c.Destinations[0] with { Weight = 3 }, c.Destinations[1]] });
        for (var i = 0; i < 40; i++) await pair.Client.GetStringAsync("");
        Assert.Equal([30, 10], apps.Counts);
        Assert.Equal((2, 0), (pair.Pair.CallerEvents.Handshakes, pair.Pair.CalleeEvents.Plaintext));
    }

    [Fact]
    public async Task Requests_go_where_fewest_are_under_way()
    {
        TaskCompletionSource[] done = [new(TaskCreationOptions.RunContinuationsAsynchronously), new(TaskCreationOptions.RunContinuationsAsynchronously)];
        await using var apps = await Apps.StartAsync(2, c => done[(int)c.Items["app"]!].Task);
        await using var pair = await apps.PairAsync(c => c with { LoadBalancing = new() { Algorithm = LoadBalancingAlgorithm.LeastRequests } });
        var calls = new List<Task<string>>();
        async Task StartAsync()
        {
            calls.Add(pair.Client.GetStringAsync(""));
            await RecordedEvents.EventuallyAsync<bool>(() => apps.Counts.Sum() == calls.Count ? true : null);
        }
        for (var i = 0; i < 8; i++) await StartAsync();
        Assert.Equal([4, 4], apps.Counts);
        var released = done[0];
        done[0] = new(TaskCreationOptions.RunContinuationsAsynchronously);
        released.SetResult();
        await RecordedEvents.EventuallyAsync<bool>(() => pair.Pair.CallerEvents.Requests.Count == 4 ? true : null);
        for (var i = 0; i < 3; i++) await StartAsync();
        Assert.Equal([7, 4], apps.Counts);
        foreach (var end in done) end.SetResult();
        await Task.WhenAll(calls);
    }

    [Fact]
    public async Task A_destination_that_comes_starts_slowly()
    {
        var time = new FakeTimeProvider();
        await using var apps = await Apps.StartAsync(2);
        ClusterSnapshot both = null!;
        await using var pair = await apps.PairAsync(c =>
        {
            both = c with { LoadBalancing = new() { Algorithm = LoadBalancingAlgorithm.Random, SlowStart = TimeSpan.FromMinutes(10) } };
            return both with { Destinations = [both.Destinations[0]] };
        }, new HttpPairOptions { Time = time });
        time.Advance(TimeSpan.FromMinutes(10));
        await pair.Pair.ApplyCallerAsync(pair.Pair.CallerSnapshot with { Clusters = [both] });
        for (var i = 0; i < 400; i++) await pair.Client.GetStringAsync("");
        // It begins with a tenth of its weight: 1 of 11. Three and a third standard deviations hold 99.9 %.
        var shy = apps.Counts[1];
        Assert.InRange(shy, 36.4 - 19, 36.4 + 19);
        time.Advance(TimeSpan.FromMinutes(10));
        for (var i = 0; i < 400; i++) await pair.Client.GetStringAsync("");
        Assert.InRange(apps.Counts[1] - shy, 200 - 33, 200 + 33);
    }

    [Theory]
    [InlineData(HashSource.Header)]
    [InlineData(HashSource.Query)]
    [InlineData(HashSource.Source)]
    public async Task One_key_meets_one_destination_wherever_it_stands(HashSource source)
    {
        await using var apps = await Apps.StartAsync(2);
        await using var pair = await apps.PairAsync(c => c with { LoadBalancing = new() { Algorithm = LoadBalancingAlgorithm.ConsistentHash, HashSource = source, HashName = source == HashSource.Source ? null : "key" } });
        HashSet<string> homes = [];
        for (var key = 2; key < 22; key++)
        {
            // Every address of 127.0.0.0/8 is this machine's.
            using var client = ClientAt(pair, IPAddress.Parse($"127.0.0.{(source == HashSource.Source ? key : 1)}"));
            HashSet<string> seen = [];
            for (var i = 0; i < 3; i++)
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, source == HashSource.Query ? $"?key={key}" : $"?other={i}");
                if (source == HashSource.Header) request.Headers.Add("key", $"{key}");
                using var response = await client.SendAsync(request);
                seen.Add(await response.Content.ReadAsStringAsync());
            }
            homes.Add(Assert.Single(seen));
        }
        Assert.Equal(2, homes.Count);
    }

    [Fact]
    public async Task A_hot_key_moves_on_when_its_destination_has_too_much_to_do()
    {
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var apps = await Apps.StartAsync(4, _ => release.Task);
        await using var pair = await apps.PairAsync(c => c with { LoadBalancing = new() { Algorithm = LoadBalancingAlgorithm.ConsistentHash, HashSource = HashSource.Query, HashName = "key" } });
        var all = Enumerable.Range(0, 40).Select(_ => pair.Client.GetStringAsync("?key=hot")).ToArray();
        await RecordedEvents.EventuallyAsync<bool>(() => apps.Counts.Sum() == 40 ? true : null);
        // A quarter more than the mean of ten.
        Assert.All(apps.Counts, c => Assert.InRange(c, 1, 13));
        release.SetResult();
        await Task.WhenAll(all);
    }

    [Theory]
    [InlineData("errors")]
    [InlineData("gateway errors")]
    [InlineData("resets")]
    [InlineData("success rate")]
    [InlineData("latency")]
    public async Task What_misbehaves_is_ejected_for_it_and_for_nothing_else(string how)
    {
        var time = new FakeTimeProvider();
        var policy = how switch
        {
            "errors" => Never with { Consecutive5xx = 3 },
            "gateway errors" => Never with { ConsecutiveGatewayErrors = 3 },
            "resets" => Never with { ConsecutiveLocalFailures = 3 },
            "success rate" => Never with { SuccessRateThreshold = 0.6 },
            _ => Never with { LatencyFactor = 3 },
        };
        await using var apps = await Apps.StartAsync(3, c =>
        {
            if (how == "latency") time.Advance(TimeSpan.FromMilliseconds(c.Items["app"] is 2 ? 90 : 10));
            if (c.Items["app"] is not 2) return Task.CompletedTask;
            if (how == "resets") c.Abort();
            // Every second one, so that there is no run of them.
            else if (how != "success rate" || c.Items["n"] is int n && n % 2 == 0) c.Response.StatusCode = how switch { "errors" => 500, "gateway errors" => 502, "success rate" => 500, _ => 200 };
            return Task.CompletedTask;
        });
        foreach (var (outliers, ejected) in new[] { (Never, false), (policy, true) })
        {
            await using var pair = await apps.PairAsync(c => c with { LoadBalancing = new() { Algorithm = LoadBalancingAlgorithm.RoundRobin }, OutlierDetection = outliers }, new HttpPairOptions { Time = time });
            for (var i = 0; i < 60; i++)
            {
                using var response = await pair.Client.GetAsync("");
                if (i == 44) time.Advance(TimeSpan.FromSeconds(11));
            }
            var before = apps.Counts[2];
            for (var i = 0; i < 12; i++) using (await pair.Client.GetAsync("")) continue;
            Assert.Equal(ejected ? 0 : 4, apps.Counts[2] - before);
            Assert.Equal(ejected, pair.Pair.CallerEvents.Ejections.Any(e => e.StartsWith("d3 ", StringComparison.Ordinal)));
        }
    }

    [Fact]
    public async Task Each_ejection_lasts_longer_than_the_one_before_up_to_the_longest()
    {
        var time = new FakeTimeProvider();
        await using var apps = await Apps.StartAsync(2, static c =>
        {
            if (c.Items["app"] is 1) c.Response.StatusCode = 500;
            return Task.CompletedTask;
        });
        var outliers = Never with { Consecutive5xx = 1, BaseEjection = TimeSpan.FromMinutes(1), MaxEjection = TimeSpan.FromMinutes(3), Interval = TimeSpan.FromHours(1) };
        await using var pair = await apps.PairAsync(c => c with { LoadBalancing = new() { Algorithm = LoadBalancingAlgorithm.RoundRobin }, OutlierDetection = outliers }, new HttpPairOptions { Time = time });
        var ejected = new List<int>();
        // Round robin reaches it with one of two requests, whenever it may.
        for (var minute = 0; minute <= 12; minute++, time.Advance(TimeSpan.FromMinutes(1)))
        {
            var before = apps.Counts[1];
            for (var i = 0; i < 4; i++) using (await pair.Client.GetAsync("")) continue;
            if (apps.Counts[1] > before) ejected.Add(minute);
        }
        Assert.Equal([0, 1, 3, 6, 9, 12], ejected);
        Assert.Equal(6, apps.Counts[1]);
    }

    [Theory]
    [InlineData(34, 1)]
    [InlineData(67, 2)]
    public async Task Of_several_that_fail_no_more_are_ejected_than_may_be(double percent, int most)
    {
        await using var apps = await Apps.StartAsync(3, static c =>
        {
            if (c.Items["app"] is not 0) c.Response.StatusCode = 500;
            return Task.CompletedTask;
        });
        var outliers = Never with { Consecutive5xx = 1, MaxEjectedPercent = percent, BaseEjection = TimeSpan.FromMinutes(30), MaxEjection = TimeSpan.FromHours(1) };
        await using var pair = await apps.PairAsync(c => c with { LoadBalancing = new() { Algorithm = LoadBalancingAlgorithm.RoundRobin }, OutlierDetection = outliers });
        for (var i = 0; i < 6; i++) using (await pair.Client.GetAsync("")) continue;
        var before = apps.Counts;
        for (var i = 0; i < 12; i++) using (await pair.Client.GetAsync("")) continue;
        Assert.Equal(most == 1 ? [0, 6, 6] : [0, 0, 12], apps.Counts.Zip(before, (a, b) => a - b).Order());
        Assert.Equal(most, pair.Pair.CallerEvents.Ejections.Count);
    }

    [Theory]
    [InlineData(50, true)]
    [InlineData(0, false)]
    public async Task With_too_few_left_all_are_asked_again(double panic, bool all)
    {
        await using var apps = await Apps.StartAsync(3, c =>
        {
            if (c.Items["app"] is not 0) c.Response.StatusCode = 500;
            return Task.CompletedTask;
        });
        var outliers = Never with { Consecutive5xx = 1, MaxEjectedPercent = 100, PanicThresholdPercent = panic, BaseEjection = TimeSpan.FromMinutes(30), MaxEjection = TimeSpan.FromHours(1) };
        await using var pair = await apps.PairAsync(c => c with { LoadBalancing = new() { Algorithm = LoadBalancingAlgorithm.RoundRobin }, OutlierDetection = outliers });
        for (var i = 0; i < 3; i++) using (await pair.Client.GetAsync("")) continue;
        var before = apps.Counts;
        for (var i = 0; i < 12; i++) using (await pair.Client.GetAsync("")) continue;
        Assert.Equal(all ? [4, 4, 4] : [12, 0, 0], apps.Counts.Zip(before, (a, b) => a - b));
    }

    [Fact]
    public async Task The_callers_zone_is_left_for_others_when_nothing_in_it_is_well()
    {
        var time = new FakeTimeProvider();
        var well = true;
        await using var apps = await Apps.StartAsync(3, c =>
        {
            if (c.Items["app"] is 0 && !well) c.Response.StatusCode = 503;
            return Task.CompletedTask;
        });
        var options = new HttpPairOptions { Time = time, Caller = s => s with { Zone = "near" } };
        await using var pair = await apps.PairAsync(c => c with
        {
            LoadBalancing = new() { Algorithm = LoadBalancingAlgorithm.RoundRobin, PreferLocalPercent = 50 },
            OutlierDetection = Never with { Consecutive5xx = 1, BaseEjection = TimeSpan.FromMinutes(5) },
            Destinations = [c.Destinations[0] with { Zone = "near" }, c.Destinations[1] with { Zone = "far" }, c.Destinations[2]],
        }, options);
        for (var i = 0; i < 6; i++) using (await pair.Client.GetAsync("")) continue;
        Assert.Equal([6, 0, 0], apps.Counts);
        well = false;
        for (var i = 0; i < 7; i++) using (await pair.Client.GetAsync("")) continue;
        Assert.Equal([7, 3, 3], apps.Counts);
        well = true;
        time.Advance(TimeSpan.FromMinutes(5));
        for (var i = 0; i < 6; i++) using (await pair.Client.GetAsync("")) continue;
        Assert.Equal([13, 3, 3], apps.Counts);
    }

    [Fact]
    public async Task A_retry_waits_as_long_as_the_destination_asks()
    {
        var time = new FakeTimeProvider();
        await using var apps = await Apps.StartAsync(1, c =>
        {
            if (c.Items["n"] is 1) (c.Response.StatusCode, c.Response.Headers.RetryAfter) = (503, "2");
            return Task.CompletedTask;
        });
        await using var pair = await apps.PairAsync(c => c, new HttpPairOptions { Time = time }.WithRetry(s_quick with { RetryAfterMax = TimeSpan.FromSeconds(2) }));
        var call = pair.Client.GetStringAsync("");
        var waited = TimeSpan.Zero;
        await RecordedEvents.EventuallyAsync<bool>(() =>
        {
            if (call.IsCompleted) return true;
            if (apps.Counts[0] == 1)
            {
                time.Advance(TimeSpan.FromMilliseconds(100));
                waited += TimeSpan.FromMilliseconds(100);
            }
            return null;
        });
        Assert.Equal("0", await call);
        Assert.True(waited >= TimeSpan.FromSeconds(2), $"{waited}");
        // Longer than the edge waits for anything, it is the caller who is told.
        await using var impatient = await Apps.StartAsync(1, static c =>
        {
            (c.Response.StatusCode, c.Response.Headers.RetryAfter) = (503, "2");
            return Task.CompletedTask;
        });
        await using var other = await impatient.PairAsync(c => c, new HttpPairOptions().WithRetry(s_quick));
        using var answer = await other.Client.GetAsync("");
        Assert.Equal((HttpStatusCode.ServiceUnavailable, 1), (answer.StatusCode, impatient.Counts[0]));
    }

    [Fact]
    public async Task A_hedge_is_sent_when_its_delay_is_over_and_not_before()
    {
        var time = new FakeTimeProvider();
        await using var apps = await Apps.StartAsync(2, c => c.Items["n"] is 1 ? Task.Delay(Timeout.Infinite, c.RequestAborted) : Task.CompletedTask, together: true);
        await using var pair = await apps.PairAsync(
            c => c with { LoadBalancing = new() { Algorithm = LoadBalancingAlgorithm.RoundRobin } },
            new HttpPairOptions { Time = time }.WithRoute(r => r with { Hedging = new HedgingPolicy { Delay = TimeSpan.FromMilliseconds(300) } }));
        var call = pair.Client.GetStringAsync("");
        await RecordedEvents.EventuallyAsync<bool>(() => apps.Counts.Sum() == 1 ? true : null);
        time.Advance(TimeSpan.FromMilliseconds(299));
        Assert.Equal(1, apps.Counts.Sum());
        await RecordedEvents.EventuallyAsync<bool>(() =>
        {
            time.Advance(TimeSpan.FromMilliseconds(1));
            return call.IsCompleted ? true : null;
        });
        Assert.Equal("1", await call);
        Assert.Equal([1, 1], apps.Counts);
    }

    [Fact]
    public async Task A_share_of_the_requests_is_mirrored_within_its_bound()
    {
        const int Requests = 1000;
        await using var apps = await Apps.StartAsync(2);
        await using var pair = await apps.PairAsync(c => c with { Destinations = [c.Destinations[0]] }, new HttpPairOptions
        {
            Caller = s => s with { Clusters = [s.Clusters[0], s.Clusters[0] with { Name = "shadow", Destinations = [s.Clusters[0].Destinations[1]] }] },
        }.WithRoute(r => r with { Mirror = new MirrorTarget("shadow", 20) }));
        for (var i = 0; i < Requests; i++) Assert.Equal("0", await pair.Client.GetStringAsync(""));
        // What is on its way still comes.
        var copies = await RecordedEvents.EventuallyAsync<int>(() => apps.Counts[1] >= 200 - 42 ? apps.Counts[1] : null);
        Assert.InRange(copies, 200 - 42, 200 + 42);
        Assert.Equal(Requests, apps.Counts[0]);
    }

    /// <summary>A policy that ejects for nothing.</summary>
    private static OutlierDetectionPolicy Never { get; } = new() { Consecutive5xx = 0, ConsecutiveGatewayErrors = 0, ConsecutiveLocalFailures = 0, MinimumRequests = 5, PanicThresholdPercent = 0 };

    private static HttpClient ClientAt(HttpPair pair, IPAddress address) => new(new SocketsHttpHandler
    {
        ConnectCallback = async (_, cancellation) =>
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(address, 0));
            await socket.ConnectAsync(pair.Pair.Outbound, cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        },
    }) { BaseAddress = pair.Client.BaseAddress };

    /// <summary>Several apps, each of which answers with its number.</summary>
    private sealed class Apps(TestApp[] apps) : IAsyncDisposable
    {
        /// <summary>Requests that reached each.</summary>
        public int[] Counts => [.. apps.Select(a => a.Requests.Count)];

        /// <param name="count">How many.</param>
        /// <param name="before">Runs before the answer; finds which app it is and the number of its request from 1, of all apps' where <paramref name="together"/> says so.</param>
        /// <param name="together">What is counted.</param>
        public static async Task<Apps> StartAsync(int count, RequestDelegate? before = null, bool together = false)
        {
            var counters = new ConcurrentDictionary<int, int>();
            return new Apps(await Task.WhenAll(Enumerable.Range(0, count).Select(number => TestApp.StartAsync(async c =>
            {
                c.Items["app"] = number;
                c.Items["n"] = counters.AddOrUpdate(together ? 0 : number, 1, static (_, n) => n + 1);
                if (before is not null) await before(c);
                await c.Response.WriteAsync($"{number}");
            }))));
        }

        /// <summary>A caller's sidecar, and one of each of them.</summary>
        public Task<HttpPair> PairAsync(Func<ClusterSnapshot, ClusterSnapshot> cluster, HttpPairOptions? options = null)
        {
            var given = options ?? new HttpPairOptions();
            return HttpPair.InFrontOfAsync(apps.Select(a => a.Address), given with
            {
                Caller = s =>
                {
                    s = given.Caller(s);
                    return s with { Clusters = [cluster(s.Clusters[0]), .. s.Clusters.Skip(1)] };
                },
            });
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var app in apps) await app.DisposeAsync();
        }
    }
}
