using AspireMesh.Protocol.Policies;
using AspireMesh.Proxy.Outbound.LoadBalancing;
using AspireMesh.Proxy.Outbound.Retries;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Tests.Outbound;

public class LoadBalancingTests
{
    private readonly Clusters _clusters = new();

    [Fact]
    public void Round_robin_takes_each_in_turn()
    {
        var cluster = _clusters.Apply(Clusters.Of("a", "b", "c") with { LoadBalancing = new() { Algorithm = LoadBalancingAlgorithm.RoundRobin } });
        Assert.Equal(new Dictionary<string, int> { ["a"] = 10, ["b"] = 10, ["c"] = 10 }, Clusters.Count(cluster, 30));
    }

    [Fact]
    public void Round_robin_follows_weights_and_spreads_them()
    {
        var snapshot = Clusters.Of("a", "b") with { LoadBalancing = new() { Algorithm = LoadBalancingAlgorithm.RoundRobin } };
        snapshot = snapshot with { Destinations = [snapshot.Destinations[0] with { Weight = 3 }, snapshot.Destinations[1]] };
        var cluster = _clusters.Apply(snapshot);
        var order = string.Concat(Enumerable.Range(0, 8).Select(_ => cluster.Choose(null, null, out var _)!.Name));
        Assert.Equal("aabaaaba", order);
    }

    [Fact]
    public void Round_robin_keeps_its_turn_over_a_snapshot_change()
    {
        var snapshot = Clusters.Of("a", "b") with { LoadBalancing = new() { Algorithm = LoadBalancingAlgorithm.RoundRobin } };
        Assert.Equal("a", _clusters.Apply(snapshot).Choose(null, null, out _)!.Name);
        Assert.Equal("b", _clusters.Apply(snapshot).Choose(null, null, out _)!.Name);
    }

    [Fact]
    public void Random_follows_weights()
    {
        var snapshot = Clusters.Of("a", "b") with { LoadBalancing = new() { Algorithm = LoadBalancingAlgorithm.Random } };
        snapshot = snapshot with { Destinations = [snapshot.Destinations[0] with { Weight = 9 }, snapshot.Destinations[1]] };
        Assert.InRange(Clusters.Count(_clusters.Apply(snapshot), 20_000)["b"], 1850, 2150);
    }

    [Fact]
    public void Least_requests_avoids_the_busy_one()
    {
        var cluster = _clusters.Apply(Clusters.Of("a", "b") with { LoadBalancing = new() { Algorithm = LoadBalancingAlgorithm.LeastRequests } });
        for (var i = 0; i < 5; i++) cluster.Destinations[0].State.Begin();
        Assert.Equal("b", Assert.Single(Clusters.Count(cluster, 50)).Key);
    }

    [Fact]
    public void Peak_ewma_avoids_the_slow_one_and_tries_it_again_once_its_average_has_faded()
    {
        var cluster = _clusters.Apply(Clusters.Of("slow", "fast"));
        cluster.Destinations[0].State.Latency.Observe(100, cluster.Snapshot.LoadBalancing.EwmaDecay);
        cluster.Destinations[1].State.Latency.Observe(10, cluster.Snapshot.LoadBalancing.EwmaDecay);
        Assert.Equal("fast", Assert.Single(Clusters.Count(cluster, 50)).Key);
        _clusters.Time.Advance(TimeSpan.FromSeconds(60));
        cluster.Destinations[1].State.Latency.Observe(10, cluster.Snapshot.LoadBalancing.EwmaDecay);
        Assert.Equal("slow", Assert.Single(Clusters.Count(cluster, 50)).Key);
    }

    [Fact]
    public void A_failure_that_comes_fast_does_not_look_like_speed()
    {
        var cluster = _clusters.Apply(Clusters.Of("broken", "fine"));
        foreach (var d in cluster.Destinations) d.State.Latency.Observe(20, TimeSpan.FromSeconds(10));
        cluster.Observe(cluster.Destinations[0], AttemptOutcome.Answered(503), TimeSpan.FromMilliseconds(1));
        Assert.True(cluster.Destinations[0].State.Latency.Average(TimeSpan.FromSeconds(10)) >= 20);
    }

    [Fact]
    public void A_new_destination_gets_one_request_to_learn_from_and_not_a_stampede()
    {
        var cluster = _clusters.Apply(Clusters.Of("known", "new"));
        cluster.Destinations[0].State.Latency.Observe(10, TimeSpan.FromSeconds(10));
        var chosen = Enumerable.Range(0, 20).Select(_ => cluster.Choose(null, null, out var _)!.Name).ToList();
        Assert.Equal("new", chosen[0]);
        Assert.Equal(1, chosen.Count(n => n == "new"));
    }

    [Fact]
    public void Slow_start_raises_a_new_destination_gradually()
    {
        var cluster = _clusters.Apply(Clusters.Of("a") with { LoadBalancing = new() { Algorithm = LoadBalancingAlgorithm.Random, SlowStart = TimeSpan.FromSeconds(10) } });
        _clusters.Time.Advance(TimeSpan.FromSeconds(10));
        cluster = _clusters.Apply(Clusters.Of("a", "b") with { LoadBalancing = new() { Algorithm = LoadBalancingAlgorithm.Random, SlowStart = TimeSpan.FromSeconds(10) } });
        Assert.InRange(Clusters.Count(cluster, 10_000)["b"], 700, 1120);
        _clusters.Time.Advance(TimeSpan.FromSeconds(10));
        Assert.InRange(Clusters.Count(cluster, 10_000)["b"], 4800, 5200);
    }

    [Fact]
    public void The_same_key_goes_to_the_same_destination_and_only_the_keys_of_one_that_leaves_move()
    {
        var policy = new LoadBalancingPolicy { Algorithm = LoadBalancingAlgorithm.ConsistentHash, HashSource = HashSource.Header, HashName = "x-user" };
        var three = _clusters.Apply(Clusters.Of("a", "b", "c") with { LoadBalancing = policy });
        var before = Enumerable.Range(0, 300).Select(i => Hashed(three, $"user{i}")).ToArray();
        Assert.Equal(before, Enumerable.Range(0, 300).Select(i => Hashed(three, $"user{i}")));
        var two = _clusters.Apply(Clusters.Of("a", "b") with { LoadBalancing = policy });
        for (var i = 0; i < 300; i++)
            if (before[i] != "c") Assert.Equal(before[i], Hashed(two, $"user{i}"));
        Assert.All(before.GroupBy(n => n), g => Assert.InRange(g.Count(), 70, 130));
    }

    [Fact]
    public void Bounded_load_moves_a_hot_key_on()
    {
        var policy = new LoadBalancingPolicy { Algorithm = LoadBalancingAlgorithm.ConsistentHash, HashSource = HashSource.Query, HashName = "k", HashBoundedLoad = 1.25 };
        var cluster = _clusters.Apply(Clusters.Of("a", "b", "c", "d") with { LoadBalancing = policy });
        var context = new DefaultHttpContext();
        context.Request.QueryString = new QueryString("?k=hot");
        var counts = Enumerable.Range(0, 40).Select(_ => cluster.Choose(context, null, out var _)!.Name).GroupBy(n => n).ToDictionary(g => g.Key, g => g.Count());
        Assert.Equal(4, counts.Count);
        Assert.All(counts.Values, c => Assert.True(c <= 13, $"{c} of 40 requests on one destination"));
    }

    [Fact]
    public void The_callers_zone_is_preferred_until_too_little_of_it_is_healthy()
    {
        var snapshot = Clusters.Of("near1", "near2", "far") with { LoadBalancing = new() { PreferLocalPercent = 80 } };
        snapshot = snapshot with { Destinations = [snapshot.Destinations[0] with { Zone = "z1" }, snapshot.Destinations[1] with { Zone = "z1" }, snapshot.Destinations[2] with { Zone = "z2" }] };
        var cluster = _clusters.Apply(snapshot, zone: "z1");
        Assert.False(Clusters.Count(cluster, 200).ContainsKey("far"));
        cluster.Destinations[0].State.ProbedUnhealthy = true;
        Assert.True(Clusters.Count(cluster, 200).ContainsKey("far"));
    }

    [Fact]
    public void A_retry_avoids_what_was_tried_while_others_are_there()
    {
        var cluster = _clusters.Apply(Clusters.Of("a", "b"));
        var a = cluster.Destinations[0].State;
        for (var i = 0; i < 20; i++) Assert.Equal("b", cluster.Choose(null, [a], out _)!.Name);
        Assert.NotNull(cluster.Choose(null, [a, cluster.Destinations[1].State], out _));
    }

    [Fact]
    public void Below_the_panic_threshold_all_are_used_and_with_zero_none_is()
    {
        var cluster = _clusters.Apply(Clusters.Of("a", "b"));
        foreach (var d in cluster.Destinations) d.State.ProbedUnhealthy = true;
        Assert.NotNull(cluster.Choose(null, null, out _));
        cluster = _clusters.Apply(Clusters.Of("a", "b") with { OutlierDetection = new() { PanicThresholdPercent = 0 } });
        Assert.Null(cluster.Choose(null, null, out var failure));
        Assert.Equal(ChoiceFailure.NoneHealthy, failure);
    }

    [Fact]
    public void A_destination_that_moved_to_another_address_starts_afresh()
    {
        var snapshot = Clusters.Of("a");
        _clusters.Apply(snapshot).Destinations[0].State.ProbedUnhealthy = true;
        Assert.True(_clusters.Apply(snapshot).Destinations[0].State.ProbedUnhealthy);
        snapshot = snapshot with { Destinations = [snapshot.Destinations[0] with { Address = "127.0.0.1:99" }] };
        Assert.False(_clusters.Apply(snapshot).Destinations[0].State.ProbedUnhealthy);
    }

    private static string Hashed(Cluster cluster, string user)
    {
        var context = new DefaultHttpContext();
        context.Request.Headers["x-user"] = user;
        var chosen = cluster.Choose(context, null, out _)!;
        chosen.State.End();
        return chosen.Name;
    }
}
