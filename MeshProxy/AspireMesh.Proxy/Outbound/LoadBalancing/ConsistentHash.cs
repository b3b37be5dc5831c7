using System.IO.Hashing;
using System.Runtime.InteropServices;
using AspireMesh.Protocol.Policies;

namespace AspireMesh.Proxy.Outbound.LoadBalancing;

/// <summary>
/// The same key goes to the same destination: rendezvous hashing (Thaler, Ravishankar 1998; weighted after Schindelhauer, Schomaker 2005), so that a
/// destination that leaves moves only its own keys and no ring has to be built. Bounded load (Mirrokni, Thorup, Zadimoghaddam 2016): a destination whose
/// outstanding requests exceed its share of all times the bound is passed over for the next best. Slow start lets keys move to a new destination by and by.
/// A request without the key falls back to chance.
/// </summary>
internal sealed class ConsistentHash(LoadBalancingPolicy policy, Chance chance) : ILoadBalancer
{
    public int Choose(ReadOnlySpan<Destination> candidates, Asker asker)
    {
        if (candidates.Length == 1) return 0;
        if (Key(asker) is not { Length: > 0 } key) return Weights.Draw(candidates, policy.SlowStart, chance);
        var outstanding = 1;
        foreach (var candidate in candidates) outstanding += candidate.State.Outstanding;
        var total = Weights.Sum(candidates, policy.SlowStart);
        int best = -1, bestOfAll = 0;
        double bestScore = double.MinValue, bestOfAllScore = double.MinValue;
        for (var i = 0; i < candidates.Length; i++)
        {
            var share = total > 0 ? Weights.Of(candidates[i], policy.SlowStart) / total : 1.0 / candidates.Length;
            var score = Score(key, candidates[i], share);
            if (score > bestOfAllScore) (bestOfAll, bestOfAllScore) = (i, score);
            if (candidates[i].State.Outstanding + 1 > Math.Ceiling(policy.HashBoundedLoad * outstanding * share) || score <= bestScore) continue;
            (best, bestScore) = (i, score);
        }

        return best >= 0 ? best : bestOfAll;
    }

    private static double Score(string key, Destination destination, double share)
    {
        var seed = (long)XxHash3.HashToUInt64(MemoryMarshal.AsBytes(destination.Name.AsSpan()));
        var hash = XxHash3.HashToUInt64(MemoryMarshal.AsBytes(key.AsSpan()), seed);
        var unit = ((hash >> 11) + 0.5) * (1.0 / (1UL << 53));
        return share / -Math.Log(unit);
    }

    private string? Key(Asker asker)
    {
        if (policy.HashSource == HashSource.Source) return asker.Source?.ToString();
        if (asker.Request is not { } request) return null;
        var name = policy.HashName ?? "";
        return policy.HashSource switch
        {
            HashSource.Header => request.Request.Headers[name].ToString(),
            HashSource.Cookie => request.Request.Cookies[name],
            _ => request.Request.Query[name].ToString(),
        };
    }
}
