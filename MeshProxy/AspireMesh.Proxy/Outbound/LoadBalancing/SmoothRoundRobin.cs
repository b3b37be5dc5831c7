using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Outbound.LoadBalancing;

/// <summary>
/// Each in turn, by weight, spread evenly (the smooth weighted round robin that nginx uses): every turn adds each weight to that destination's credit, the
/// highest credit is chosen and pays the sum. Credits are kept by name, so candidates may come and go between turns.
/// </summary>
internal sealed class SmoothRoundRobin(TimeSpan slowStart) : ILoadBalancer
{
    private readonly Lock _turn = new();
    private readonly Dictionary<string, double> _credit = new(StringComparer.Ordinal);

    public int Choose(ReadOnlySpan<Destination> candidates, HttpContext? context)
    {
        lock (_turn)
        {
            var best = 0;
            var bestCredit = double.MinValue;
            var total = 0.0;
            for (var i = 0; i < candidates.Length; i++)
            {
                var weight = Math.Max(0, candidates[i].Snapshot.Weight) * candidates[i].State.WarmUp(slowStart);
                total += weight;
                var credit = _credit.GetValueOrDefault(candidates[i].Name) + weight;
                _credit[candidates[i].Name] = credit;
                if (credit <= bestCredit) continue;
                best = i;
                bestCredit = credit;
            }

            _credit[candidates[best].Name] = bestCredit - total;
            return best;
        }
    }
}
