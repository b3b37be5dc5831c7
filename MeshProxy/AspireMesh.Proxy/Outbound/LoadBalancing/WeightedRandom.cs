namespace AspireMesh.Proxy.Outbound.LoadBalancing;

/// <summary>At random, in proportion to weight and warm-up.</summary>
internal sealed class WeightedRandom(TimeSpan slowStart, Chance chance) : ILoadBalancer
{
    public int Choose(ReadOnlySpan<Destination> candidates, Asker asker) => Weights.Draw(candidates, slowStart, chance);
}
