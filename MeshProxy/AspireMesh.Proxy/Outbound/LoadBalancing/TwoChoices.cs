using AspireMesh.Protocol.Policies;

namespace AspireMesh.Proxy.Outbound.LoadBalancing;

/// <summary>
/// Power of two choices (Mitzenmacher 2001): two candidates at random, the cheaper one wins. What one costs is its outstanding requests, measured against
/// its weight, and with peak EWMA its latency times those.
/// <para>
/// Weights are shares: of destinations that are equally fast and equally busy each gets its weight's share of the requests. Both candidates are therefore drawn by
/// weight, and the same one may come up twice: drawn with share w and cheaper in half of its encounters with others, a destination gets
/// w² + w(1 − w) = w. Dividing the cost by the weight instead would give an idle cluster's requests to the heaviest alone. A destination that comes up twice is still
/// given up for another that is cheaper by <see cref="Decisive"/>, so that a slow one does not keep w² of the requests.
/// </para>
/// </summary>
internal sealed class TwoChoices(LoadBalancingPolicy policy, Chance chance) : ILoadBalancer
{
    /// <summary>Latencies of equally good destinations often differ by half and seldom by more than this; beyond it a difference outweighs the weights.</summary>
    private const double Decisive = 3;

    private readonly bool _byLatency = policy.Algorithm == LoadBalancingAlgorithm.PeakEwma;

    public int Choose(ReadOnlySpan<Destination> candidates, Asker asker)
    {
        if (candidates.Length == 1) return 0;
        if (!AreAlike(candidates)) return ChooseByWeight(candidates);
        var first = chance.Next(candidates.Length);
        var second = chance.Next(candidates.Length - 1);
        if (second >= first) second++;
        return Cost(candidates[first], 1) <= Cost(candidates[second], 1) ? first : second;
    }

    private int ChooseByWeight(ReadOnlySpan<Destination> candidates)
    {
        var mean = Weights.Sum(candidates, policy.SlowStart) / candidates.Length;
        var first = Weights.Draw(candidates, policy.SlowStart, chance);
        var second = Weights.Draw(candidates, policy.SlowStart, chance);
        var cost = Cost(candidates[first], Share(candidates[first], mean));
        if (first != second) return cost <= Cost(candidates[second], Share(candidates[second], mean)) ? first : second;
        if (Weights.Sum(candidates, policy.SlowStart, without: first) <= 0) return first;
        var other = Weights.Draw(candidates, policy.SlowStart, chance, without: first);
        return Cost(candidates[other], Share(candidates[other], mean)) * Decisive < cost ? other : first;
    }

    private double Share(Destination destination, double mean) => Weights.Of(destination, policy.SlowStart) / mean;

    private bool AreAlike(ReadOnlySpan<Destination> candidates)
    {
        var weight = Weights.Of(candidates[0], policy.SlowStart);
        for (var i = 1; i < candidates.Length; i++)
            if (Weights.Of(candidates[i], policy.SlowStart) != weight) return false;
        return true;
    }

    /// <param name="destination">The candidate.</param>
    /// <param name="share">Its weight over the mean weight: 1 and 3 must mean the same as 10 and 30.</param>
    private double Cost(Destination destination, double share)
    {
        var busy = destination.State.Outstanding / share;
        return _byLatency ? destination.State.Latency.Cost(busy, policy.EwmaDecay) : busy + 1;
    }
}
