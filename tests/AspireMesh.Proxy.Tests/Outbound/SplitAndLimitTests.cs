using AspireMesh.Proxy.Outbound;
using AspireMesh.Proxy.Outbound.Limits;
using AspireMesh.Proxy.Outbound.TrafficSplit;

namespace AspireMesh.Proxy.Tests.Outbound;

public class SplitAndLimitTests
{
    [Theory]
    [InlineData(1, 90, true)]
    [InlineData(2, 90, true)]
    [InlineData(3, 90, true)]
    [InlineData(1, 80, false)]
    [InlineData(1, 89, false)]
    public void A_split_of_90_to_10_over_20000_requests_lies_within_its_binomial_bound_and_another_does_not(int seed, int weight, bool within)
    {
        var split = new WeightedSplit<string>([("stable", weight), ("canary", 100 - weight)]);
        var chance = new Chance(seed);
        var canary = Enumerable.Range(0, 20_000).Count(_ => split.Choose(chance) == "canary");
        // 99.9 % two-sided: 3.29 standard deviations of Binomial(20000, 0.1).
        var bound = 3.29 * Math.Sqrt(20_000 * 0.1 * 0.9);
        Assert.Equal(within, Math.Abs(canary - 2000) <= bound);
    }

    [Fact]
    public void A_leg_of_weight_zero_gets_nothing_and_no_weight_at_all_gives_none()
    {
        var chance = new Chance(1);
        var split = new WeightedSplit<string>([("off", 0), ("on", 1)]);
        Assert.All(Enumerable.Range(0, 1000), _ => Assert.Equal("on", split.Choose(chance)));
        Assert.Null(new WeightedSplit<string>([("off", 0)]).Choose(chance));
    }

    [Fact]
    public void The_same_seed_gives_the_same_choices()
    {
        var split = new WeightedSplit<string>([("a", 1), ("b", 1)]);
        var (one, two) = (new Chance(9), new Chance(9));
        Assert.Equal(Enumerable.Range(0, 100).Select(_ => split.Choose(one)), Enumerable.Range(0, 100).Select(_ => split.Choose(two)));
    }

    [Fact]
    public async Task Beyond_the_cap_a_bounded_number_waits_in_order_and_the_rest_is_refused_at_once()
    {
        var gate = new ConcurrencyGate(maxRunning: 1, maxWaiting: 2);
        Assert.True(await gate.EnterAsync(default));
        var second = gate.EnterAsync(default);
        var third = gate.EnterAsync(default);
        Assert.False(await gate.EnterAsync(default));
        Assert.False(second.IsCompleted);
        gate.Leave();
        Assert.True(await second);
        Assert.False(third.IsCompleted);
        gate.Leave();
        Assert.True(await third);
        gate.Leave();
        Assert.Equal(0, gate.Running);
    }

    [Fact]
    public async Task A_waiter_that_gives_up_leaves_its_place_in_the_queue()
    {
        var gate = new ConcurrencyGate(maxRunning: 1, maxWaiting: 1);
        await gate.EnterAsync(default);
        using var impatient = new CancellationTokenSource();
        var waiting = gate.EnterAsync(impatient.Token).AsTask();
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        var next = gate.EnterAsync(default);
        gate.Leave();
        Assert.True(await next);
        gate.Leave();
        Assert.Equal(0, gate.Running);
    }
}
