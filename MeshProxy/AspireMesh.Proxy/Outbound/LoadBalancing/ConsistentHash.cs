using System.IO.Hashing;
using System.Runtime.InteropServices;
using AspireMesh.Protocol.Policies;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Outbound.LoadBalancing;

/// <summary>
/// The same key goes to the same destination: rendezvous hashing (Thaler, Ravishankar 1998; weighted after Schindelhauer, Schomaker 2005), so that a
/// destination that leaves moves only its own keys and no ring has to be built. Bounded load (Mirrokni, Thorup, Zadimoghaddam 2016): a destination whose
/// outstanding requests exceed the mean times the bound is passed over for the next best. A request without the key falls back to chance.
/// </summary>
internal sealed class ConsistentHash(LoadBalancingPolicy policy, Chance chance) : ILoadBalancer
{
    public int Choose(ReadOnlySpan<Destination> candidates, HttpContext? context)
    {
        if (candidates.Length == 1) return 0;
        if (Key(context) is not { Length: > 0 } key) return chance.Next(candidates.Length);
        var outstanding = 1;
        foreach (var candidate in candidates) outstanding += candidate.State.Outstanding;
        var bound = Math.Ceiling(policy.HashBoundedLoad * outstanding / candidates.Length);
        int best = -1, bestOfAll = 0;
        double bestScore = double.MinValue, bestOfAllScore = double.MinValue;
        for (var i = 0; i < candidates.Length; i++)
        {
            var score = Score(key, candidates[i]);
            if (score > bestOfAllScore) (bestOfAll, bestOfAllScore) = (i, score);
            if (candidates[i].State.Outstanding + 1 > bound || score <= bestScore) continue;
            (best, bestScore) = (i, score);
        }

        return best >= 0 ? best : bestOfAll;
    }

    private static double Score(string key, Destination destination)
    {
        var seed = (long)XxHash3.HashToUInt64(MemoryMarshal.AsBytes(destination.Name.AsSpan()));
        var hash = XxHash3.HashToUInt64(MemoryMarshal.AsBytes(key.AsSpan()), seed);
        var unit = ((hash >> 11) + 0.5) * (1.0 / (1UL << 53));
        return Math.Max(destination.Snapshot.Weight, 1e-9) / -Math.Log(unit);
    }

    private string? Key(HttpContext? context)
    {
        if (context is null) return null;
        var name = policy.HashName ?? "";
        return policy.HashSource switch
        {
            HashSource.Header => context.Request.Headers[name].ToString(),
            HashSource.Cookie => context.Request.Cookies[name],
            HashSource.Query => context.Request.Query[name].ToString(),
            _ => context.Connection.RemoteIpAddress?.ToString(),
        };
    }
}
