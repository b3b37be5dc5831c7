using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Outbound.LoadBalancing;

/// <summary>At random, in proportion to weight and warm-up.</summary>
internal sealed class WeightedRandom(TimeSpan slowStart, Chance chance) : ILoadBalancer
{
    public int Choose(ReadOnlySpan<Destination> candidates, HttpContext? context)
    {
        var total = 0.0;
        foreach (var candidate in candidates) total += Weight(candidate);
        if (total <= 0) return chance.Next(candidates.Length);
        var point = chance.NextDouble() * total;
        for (var i = 0; i < candidates.Length; i++)
        {
            point -= Weight(candidates[i]);
            if (point < 0) return i;
        }

        return candidates.Length - 1;
    }

    private double Weight(Destination destination) => Math.Max(0, destination.Snapshot.Weight) * destination.State.WarmUp(slowStart);
}
