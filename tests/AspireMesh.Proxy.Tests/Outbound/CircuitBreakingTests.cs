using AspireMesh.Protocol.Policies;
using AspireMesh.Proxy.Outbound.CircuitBreaking;
using AspireMesh.Proxy.Outbound.LoadBalancing;
using Microsoft.Extensions.Time.Testing;

namespace AspireMesh.Proxy.Tests.Outbound;

public class CircuitBreakingTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly List<BreakerState> _changes = [];

    [Fact]
    public void It_opens_at_the_ratio_once_there_are_enough_requests()
    {
        var breaker = Make();
        Run(breaker, 5, failed: false);
        Run(breaker, 4, failed: true);
        Assert.Equal(BreakerState.Closed, breaker.State);
        Run(breaker, 1, failed: true);
        Assert.Equal(BreakerState.Open, breaker.State);
        Assert.False(breaker.TryEnter());
    }

    [Fact]
    public void Failures_of_an_older_window_do_not_count()
    {
        var breaker = Make();
        Run(breaker, 9, failed: true);
        _time.Advance(TimeSpan.FromSeconds(10));
        Run(breaker, 9, failed: true);
        Assert.Equal(BreakerState.Closed, breaker.State);
    }

    [Fact]
    public void After_the_break_one_request_tries_and_its_success_closes()
    {
        var breaker = Opened();
        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.True(breaker.TryEnter());
        Assert.False(breaker.TryEnter());
        breaker.Exit(failed: false);
        Assert.Equal([BreakerState.Open, BreakerState.HalfOpen, BreakerState.Closed], _changes);
        Assert.True(breaker.TryEnter());
    }

    [Fact]
    public void After_the_break_a_failure_opens_it_again_for_the_whole_break()
    {
        var breaker = Opened();
        _time.Advance(TimeSpan.FromSeconds(5));
        Run(breaker, 1, failed: true);
        _time.Advance(TimeSpan.FromSeconds(4));
        Assert.False(breaker.TryEnter());
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(breaker.TryEnter());
    }

    [Fact]
    public void A_trial_that_told_nothing_lets_the_next_request_try()
    {
        var breaker = Opened();
        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.True(breaker.TryEnter());
        breaker.Exit(failed: null);
        Assert.True(breaker.TryEnter());
    }

    [Fact]
    public void A_cluster_passes_over_an_open_breaker_and_says_so_when_all_are_open()
    {
        var clusters = new Clusters();
        var cluster = clusters.Apply(Clusters.Of("a", "b") with { CircuitBreaker = new() { MinimumThroughput = 2 } });
        Trip(cluster.Destinations[0]);
        Assert.Equal("b", Assert.Single(Clusters.Count(cluster, 10)).Key);
        Trip(cluster.Destinations[1]);
        Assert.Null(cluster.Choose(null, null, out var failure));
        Assert.Equal(ChoiceFailure.BreakersOpen, failure);
        Assert.Equal(["a Open", "b Open"], clusters.Log);
    }

    private static void Trip(Destination destination)
    {
        for (var i = 0; i < 2; i++)
        {
            Assert.True(destination.Breaker!.TryEnter());
            destination.Breaker.Exit(failed: true);
        }
    }

    private DestinationBreaker Make() => new(_time, new CircuitBreakerPolicy { MinimumThroughput = 10 }, _changes.Add);

    private DestinationBreaker Opened()
    {
        var breaker = Make();
        Run(breaker, 10, failed: true);
        return breaker;
    }

    private static void Run(DestinationBreaker breaker, int times, bool failed)
    {
        for (var i = 0; i < times; i++)
        {
            Assert.True(breaker.TryEnter());
            breaker.Exit(failed);
        }
    }
}
