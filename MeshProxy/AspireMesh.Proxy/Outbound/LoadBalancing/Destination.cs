using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Outbound.CircuitBreaking;

namespace AspireMesh.Proxy.Outbound.LoadBalancing;

/// <summary>One address as a snapshot has it, with the state that outlasts snapshots.</summary>
internal sealed record Destination(DestinationSnapshot Snapshot, DestinationState State, DestinationBreaker? Breaker)
{
    public string Name => Snapshot.Name;

    /// <summary>The client found for it last: finding it again costs a hash over seven texts, which every request would pay.</summary>
    public FoundClient? Client { get; set; }

    /// <summary>Can be chosen, leaving aside that too many ejections switch to panic.</summary>
    public bool IsHealthy => !State.ProbedUnhealthy && !State.Draining && !State.Outliers.IsEjected;

    /// <summary>The breaker lets a request through. Panic never overrides a breaker: it protects the destination, not the caller.</summary>
    public bool IsAdmitting => Breaker is null || Breaker.CouldAdmit;
}

/// <summary>A client and the time limit it was made with; one reference, so that it is read and replaced whole.</summary>
internal sealed record FoundClient(TimeSpan ConnectTimeout, Forwarding.DestinationClient Client);
