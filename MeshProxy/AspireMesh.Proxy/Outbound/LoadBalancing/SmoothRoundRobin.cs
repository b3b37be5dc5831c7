namespace AspireMesh.Proxy.Outbound.LoadBalancing;

/// <summary>
/// Each in turn, by weight, spread evenly (the smooth weighted round robin that nginx uses): every turn adds each weight to that destination's credit, the
/// highest credit is chosen and pays the sum. Credits are kept by name, so candidates may come and go between turns.
/// </summary>
internal sealed class SmoothRoundRobin(TimeSpan slowStart) : ILoadBalancer
{
    private readonly Lock _turn = new();
    private readonly Dictionary<string, double> _credit = new(StringComparer.Ordinal);

    public int Choose(ReadOnlySpan<Destination> candidates, Asker asker)
    {
        lock (_turn)
        {
            var best = 0;
            var bestCredit = double.MinValue;
            var weighted = Weights.Sum(candidates, slowStart) > 0;
            var total = 0.0;
            for (var i = 0; i < candidates.Length; i++)
            {
                var weight = weighted ? Weights.Of(candidates[i], slowStart) : 1;
                total += weight;
                var credit = _credit.GetValueOrDefault(candidates[i].Name) + weight;
                _credit[candidates[i].Name] = credit;
                if (credit <= bestCredit || weight <= 0) continue;
                best = i;
                bestCredit = credit;
            }

            _credit[candidates[best].Name] = bestCredit - total;
            return best;
        }
    }
}
