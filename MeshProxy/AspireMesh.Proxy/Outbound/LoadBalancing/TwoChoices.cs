using AspireMesh.Protocol.Policies;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Outbound.LoadBalancing;

/// <summary>
/// Power of two choices (Mitzenmacher 2001): two different candidates at random, the cheaper one wins. Cost is peak EWMA times outstanding requests, or the
/// outstanding requests alone; divided by weight and warm-up.
/// </summary>
internal sealed class TwoChoices(LoadBalancingPolicy policy, Chance chance) : ILoadBalancer
{
    private readonly bool _byLatency = policy.Algorithm == LoadBalancingAlgorithm.PeakEwma;

    public int Choose(ReadOnlySpan<Destination> candidates, HttpContext? context)
    {
        if (candidates.Length == 1) return 0;
        var first = chance.Next(candidates.Length);
        var second = chance.Next(candidates.Length - 1);
        if (second >= first) second++;
        return Cost(candidates[first]) <= Cost(candidates[second]) ? first : second;
    }

    private double Cost(Destination destination)
    {
        var weight = destination.Snapshot.Weight * destination.State.WarmUp(policy.SlowStart);
        if (weight <= 0) return double.MaxValue;
        var outstanding = destination.State.Outstanding;
        var cost = _byLatency ? destination.State.Latency.Cost(outstanding, policy.EwmaDecay) : outstanding + 1;
        return cost / weight;
    }
}
