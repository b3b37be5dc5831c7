using System.Net;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Faults;

namespace AspireMesh.Proxy.Runtime;

/// <summary>What the policies make of one snapshot: immutable rules around destination state that outlasts snapshots.</summary>
internal interface ITrafficRules
{
    /// <summary>Chooses where an opaque connection goes; null when no destination can take it.</summary>
    /// <param name="cluster">A cluster of this snapshot.</param>
    /// <param name="tried">Names of destinations that failed for this connection already.</param>
    /// <param name="from">The address it came from, for hashing; null where that is not known.</param>
    IDestinationLease? Choose(string cluster, IReadOnlyCollection<string> tried, IPAddress? from);

    /// <summary>Where a TLS connection goes by the server name it asks for; null when no TLS route of the listener matches.</summary>
    /// <param name="side">Outbound or gateway.</param>
    /// <param name="listener">The listener's name.</param>
    /// <param name="serverName">In lower case; null for a hello without one.</param>
    TlsChoice? ChooseTls(MeshSide side, string listener, string? serverName);

    /// <summary>The faults that hit an opaque connection of ours on its way out; null for none.</summary>
    FiredFaults? Decide(string cluster, FaultStage stage);

    /// <summary>The faults that hit an opaque connection from another workload; null for none.</summary>
    FiredFaults? DecideInbound(string endpoint, string? caller);

    /// <summary>What faults change about a handshake; null for nothing.</summary>
    /// <param name="to">The callee that is dialled; null when the handshake came from outside.</param>
    FiredFaults? DecideHandshake(string? to);

    /// <summary>The faults that hit a message from the control plane, or an attempt to reach it; null for none.</summary>
    FiredFaults? DecideControl();
}

/// <summary>What a TLS route chose.</summary>
/// <param name="Route">The route's name.</param>
/// <param name="Cluster">The cluster's name.</param>
internal readonly record struct TlsChoice(string Route, string Cluster);

/// <summary>A chosen destination, counted as busy until the lease is disposed.</summary>
internal interface IDestinationLease : IDisposable
{
    /// <summary>Its cluster.</summary>
    ClusterSnapshot Cluster { get; }

    /// <summary>The address.</summary>
    DestinationSnapshot Destination { get; }

    /// <summary>Tells outlier detection and breaker: the stream was opened, or not.</summary>
    void Connected(bool success);
}
