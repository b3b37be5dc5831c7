using System.Collections.Frozen;
using AspireMesh.Protocol.Faults;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Http;

namespace AspireMesh.Proxy.Faults.Handshakes;

/// <summary>The faults of a sidecar's handshakes. A tunnel connection is shared by all endpoints of a pair of workloads, so these have no endpoint; on the inbound side nobody knows yet who calls.</summary>
internal sealed class HandshakeFaults
{
    private readonly FrozenDictionary<string, EdgeFaults> _outbound;
    private readonly EdgeFaults? _inbound;

    private HandshakeFaults(FrozenDictionary<string, EdgeFaults> outbound, EdgeFaults? inbound) => (_outbound, _inbound) = (outbound, inbound);

    public static HandshakeFaults None { get; } = new(FrozenDictionary<string, EdgeFaults>.Empty, null);

    public static HandshakeFaults Compile(MeshSnapshot snapshot, HandshakeFaults? previous, FaultServices services)
    {
        if (snapshot.Faults.IsDefaultOrEmpty || !snapshot.Faults.Any(f => FaultKinds.OnTls.Contains(f.Fault.Kind))) return None;
        var outbound = new Dictionary<string, EdgeFaults>(StringComparer.Ordinal);
        foreach (var callee in snapshot.Clusters.Select(c => c.Workload).Distinct(StringComparer.Ordinal))
        {
            var faults = EdgeFaults.Compile(snapshot.Faults, FaultSide.Outbound, new FaultEdge(snapshot.Workload, callee, ""), previous?._outbound.GetValueOrDefault(callee), services, FaultStage.Handshake);
            if (faults is not null) outbound[callee] = faults;
        }

        var inbound = EdgeFaults.Compile(snapshot.Faults, FaultSide.Inbound, new FaultEdge(null, snapshot.Workload, ""), previous?._inbound, services, FaultStage.Handshake);
        return new HandshakeFaults(outbound.ToFrozenDictionary(StringComparer.Ordinal), inbound);
    }

    /// <summary>Decides for one handshake.</summary>
    /// <param name="to">The callee that is dialled; null when the handshake came from outside.</param>
    public FiredFaults? Decide(string? to) => (to is null ? _inbound : _outbound.GetValueOrDefault(to))?.Decide(FaultStage.Handshake, null, CallerIdentity.Unknown);
}
