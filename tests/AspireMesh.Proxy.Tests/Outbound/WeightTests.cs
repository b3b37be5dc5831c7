using System.Net;
using AspireMesh.Protocol.Policies;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Outbound.LoadBalancing;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Tests.Outbound;

/// <summary>A weight is a share of the requests, whatever the algorithm, as long as destinations are equally good.</summary>
public class WeightTests
{
    private const int Requests = 20_000;
    private readonly Clusters _clusters = new();

    public static TheoryData<LoadBalancingAlgorithm> Algorithms => [.. Enum.GetValues<LoadBalancingAlgorithm>()];

    [Theory]
    [MemberData(nameof(Algorithms))]
    public void Of_equally_good_destinations_each_gets_its_share(LoadBalancingAlgorithm algorithm)
    {
        var cluster = Weighted(new() { Algorithm = algorithm }, 1, 3, 6);
        foreach (var destination in cluster.Destinations) destination.State.Latency.Observe(10, cluster.Snapshot.LoadBalancing.EwmaDecay);
        AssertShares(Clusters.Count(cluster, Requests), 0.1, 0.3, 0.6);
    }

    [Fact]
    public void Keys_are_shared_out_by_weight_and_stay_where_they_are_when_a_weight_grows_unless_they_move_there()
    {
        var policy = new LoadBalancingPolicy { Algorithm = LoadBalancingAlgorithm.ConsistentHash, HashSource = HashSource.Header, HashName = "user" };
        var before = Homes(Weighted(policy, 1, 3, 6));
        AssertShares(before.CountBy(h => h).ToDictionary(), 0.1, 0.3, 0.6);
        var after = Homes(Weighted(policy, 2, 3, 6));
        Assert.All(before.Zip(after), p => Assert.True(p.First == p.Second || p.Second == "a", $"a key moved from {p.First} to {p.Second}"));
        Assert.Contains(before.Zip(after), p => p.First != p.Second);
    }

    [Fact]
    public void Bounded_load_lets_a_heavier_destination_have_more_to_do()
    {
        var cluster = Weighted(new() { Algorithm = LoadBalancingAlgorithm.ConsistentHash, HashSource = HashSource.Header, HashName = "user", HashBoundedLoad = 1.25 }, 1, 1, 8);
        var chosen = Enumerable.Range(0, 100).Select(_ => cluster.Choose(Request("hot"), null, out var _)!.Name).CountBy(n => n).ToDictionary();
        Assert.InRange(chosen["c"], 66, 100);
        Assert.All(new[] { "a", "b" }, light => Assert.InRange(chosen.GetValueOrDefault(light), 0, 17));
    }

    [Theory]
    [InlineData(LoadBalancingAlgorithm.PeakEwma)]
    [InlineData(LoadBalancingAlgorithm.LeastRequests)]
    public void Outstanding_requests_count_against_the_weight(LoadBalancingAlgorithm algorithm)
    {
        // Nobody answers: what is outstanding grows, and stays in proportion to the weights.
        var cluster = Weighted(new() { Algorithm = algorithm }, 1, 3);
        foreach (var destination in cluster.Destinations) destination.State.Latency.Observe(10, cluster.Snapshot.LoadBalancing.EwmaDecay);
        for (var i = 0; i < 400; i++) cluster.Choose(null, null, out _);
        Assert.InRange(cluster.Destinations[0].State.Outstanding, 85, 115);
    }

    [Fact]
    public void A_slow_destination_is_avoided_however_heavy_it_is()
    {
        var cluster = Weighted(new(), 9, 1);
        cluster.Destinations[0].State.Latency.Observe(100, cluster.Snapshot.LoadBalancing.EwmaDecay);
        cluster.Destinations[1].State.Latency.Observe(10, cluster.Snapshot.LoadBalancing.EwmaDecay);
        Assert.Equal("b", Assert.Single(Clusters.Count(cluster, 500)).Key);
    }

    [Theory]
    [MemberData(nameof(Algorithms))]
    public void Without_weight_a_destination_is_the_last_resort(LoadBalancingAlgorithm algorithm)
    {
        var cluster = Weighted(new() { Algorithm = algorithm }, 0, 1, 2);
        Assert.Equal(["b", "c"], Clusters.Count(cluster, 500).Keys.Order());
        Assert.NotEqual("a", cluster.Choose(null, [cluster.Destinations[1].State, cluster.Destinations[2].State], out _)!.Name);
        foreach (var destination in cluster.Destinations[1..]) destination.State.ProbedUnhealthy = true;
        Assert.Equal("a", Assert.Single(Clusters.Count(cluster, 20)).Key);
    }

    [Theory]
    [MemberData(nameof(Algorithms))]
    public void Where_none_has_a_weight_all_are_alike(LoadBalancingAlgorithm algorithm)
    {
        var third = 1.0 / 3;
        AssertShares(Clusters.Count(Weighted(new() { Algorithm = algorithm }, 0, 0, 0), Requests), third, third, third);
    }

    [Theory]
    [MemberData(nameof(Algorithms))]
    public void Slow_start_holds_a_new_destination_back_whatever_the_algorithm(LoadBalancingAlgorithm algorithm)
    {
        var policy = new LoadBalancingPolicy { Algorithm = algorithm, SlowStart = TimeSpan.FromSeconds(10) };
        _clusters.Apply(Clusters.Of("a") with { LoadBalancing = policy });
        _clusters.Time.Advance(TimeSpan.FromSeconds(10));
        var cluster = _clusters.Apply(Clusters.Of("a", "b") with { LoadBalancing = policy });
        foreach (var destination in cluster.Destinations) destination.State.Latency.Observe(10, policy.EwmaDecay);
        AssertShares(Clusters.Count(cluster, Requests), 10.0 / 11, 1.0 / 11);
    }

    [Fact]
    public void An_opaque_connection_is_hashed_by_where_it_came_from()
    {
        var cluster = Weighted(new() { Algorithm = LoadBalancingAlgorithm.ConsistentHash, HashSource = HashSource.Source }, 1, 1, 1);
        string HomeOf(int host)
        {
            var chosen = cluster.Choose(new Asker(null, IPAddress.Parse($"10.0.0.{host}")), null, out _)!;
            chosen.State.End();
            return chosen.Name;
        }
        var homes = Enumerable.Range(1, 60).Select(HomeOf).ToList();
        Assert.Equal(homes, Enumerable.Range(1, 60).Select(HomeOf));
        Assert.Equal(3, homes.Distinct().Count());
    }

    private Cluster Weighted(LoadBalancingPolicy policy, params double[] weights)
    {
        var cluster = Clusters.Of([.. weights.Select((_, i) => $"{(char)('a' + i)}")]) with { LoadBalancing = policy };
        return _clusters.Apply(cluster with { Destinations = [.. cluster.Destinations.Select((d, i) => d with { Weight = weights[i] })] });
    }

    private static List<string> Homes(Cluster cluster) => [.. Enumerable.Range(0, Requests).Select(i =>
    {
        var chosen = cluster.Choose(Request($"user-{i}"), null, out _)!;
        chosen.State.End();
        return chosen.Name;
    })];

    private static DefaultHttpContext Request(string user)
    {
        var context = new DefaultHttpContext();
        context.Request.Headers["user"] = user;
        return context;
    }

    /// <summary>Each share lies within its 99.9 % binomial bound.</summary>
    private static void AssertShares(Dictionary<string, int> counts, params double[] shares)
    {
        var total = counts.Values.Sum();
        for (var i = 0; i < shares.Length; i++)
        {
            var bound = 3.29 * Math.Sqrt(total * shares[i] * (1 - shares[i]));
            Assert.InRange(counts.GetValueOrDefault($"{(char)('a' + i)}"), total * shares[i] - bound, total * shares[i] + bound);
        }
    }
}
