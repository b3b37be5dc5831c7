using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Outbound.CircuitBreaking;

namespace AspireMesh.Proxy.Outbound.LoadBalancing;

/// <summary>One address as a snapshot has it, with the state that outlasts snapshots.</summary>
internal sealed record Destination(DestinationSnapshot Snapshot, DestinationState State, DestinationBreaker? Breaker)
{
    public string Name => Snapshot.Name;

    /// <summary>Can be chosen, leaving aside that too many ejections switch to panic.</summary>
    public bool IsHealthy => !State.ProbedUnhealthy && !State.Draining && !State.Outliers.IsEjected;

    /// <summary>The breaker lets a request through. Panic never overrides a breaker: it protects the destination, not the caller.</summary>
    public bool IsAdmitting => Breaker is null || Breaker.CouldAdmit;
}
