using AspireMesh.Protocol.Policies;
using AspireMesh.Protocol.Snapshot;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Tests.Pipeline;

/// <summary>What hedging says of the destinations it used, and what it costs them, over real sockets.</summary>
public class HedgedRequestsTests
{
    [Fact]
    public async Task A_destination_that_fails_is_ejected_although_a_hedge_answers_in_its_place()
    {
        await using var bad = await TestApp.AnsweringAsync(500);
        await using var good = await TestApp.AnsweringAsync(200, "good");
        await using var pair = await HttpPair.InFrontOfAsync([bad.Address, good.Address], Hedged(TimeSpan.FromSeconds(30)).WithCluster(c => c with { OutlierDetection = new() { Consecutive5xx = 3, BaseEjection = TimeSpan.FromMinutes(5), PanicThresholdPercent = 0 } }));
        for (var i = 0; i < 8; i++) Assert.Equal("good", await pair.Client.GetStringAsync(""));
        Assert.Equal("d1 consecutive_5xx", Assert.Single(pair.Pair.CallerEvents.Ejections));
        Assert.Equal(3, bad.Requests.Count);
    }

    [Fact]
    public async Task Who_answered_is_the_one_that_answered()
    {
        await using var hangs = await TestApp.StartAsync(c => Task.Delay(Timeout.Infinite, c.RequestAborted));
        await using var answers = await TestApp.AnsweringAsync(200, "quick");
        await using var pair = await HttpPair.InFrontOfAsync([hangs.Address, answers.Address], Hedged(TimeSpan.FromMilliseconds(20)));
        for (var i = 0; i < 4; i++) Assert.Equal("quick", await pair.Client.GetStringAsync(""));
        Assert.NotEmpty(hangs.Requests);
        Assert.All(pair.Pair.CallerEvents.Requests, r => Assert.Equal("d2", r.Destination));
    }

    [Fact]
    public async Task What_is_hedged_is_not_retried_as_well_and_its_copies_come_out_of_the_retry_budget()
    {
        await using var one = await TestApp.AnsweringAsync(503);
        await using var two = await TestApp.AnsweringAsync(503);
        var retry = new RetryPolicy { BudgetRatio = 0.2, BudgetMinPerSecond = 0 };
        var options = Hedged(TimeSpan.FromSeconds(30)).WithRoute(r => r with { Retry = retry }).WithCluster(c => c with { OutlierDetection = null });
        await using var pair = await HttpPair.InFrontOfAsync([one.Address, two.Address], options);
        for (var i = 0; i < 50; i++) (await pair.Client.GetAsync("")).Dispose();
        Assert.InRange(one.Requests.Count + two.Requests.Count, 51, 60);
        Assert.Contains(pair.Pair.CallerEvents.Requests, r => r.Flags == "RBX");
        Assert.All(pair.Pair.CallerEvents.Requests, r => Assert.Equal(1, r.Attempts));
    }

    private static HttpPairOptions Hedged(TimeSpan delay) => new HttpPairOptions()
        .WithCluster(c => c with { LoadBalancing = new() { Algorithm = LoadBalancingAlgorithm.RoundRobin } })
        .WithRoute(r => r with { Hedging = new HedgingPolicy { Delay = delay } });
}
