using AspireMesh.Protocol.Faults;
using AspireMesh.Protocol.Identity;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Faults;

namespace AspireMesh.Proxy.Runtime;

/// <summary>
/// Everything that happens in a sidecar and is worth counting. The data plane calls it on the path of a request, so an implementation neither blocks
/// nor throws. Members for what happens rarely have an empty default, so that a recorder in a test implements only what it looks at.
/// </summary>
internal interface IMeshEvents
{
    /// <summary>A request was read from a listener; its attempts and its end are told to the returned object.</summary>
    IRequestEvents RequestStarted(in RequestStart request);

    /// <summary>An opaque connection was taken by a listener. Paired with <see cref="ConnectionEnded"/>.</summary>
    void ConnectionStarted(in ConnectionStart connection) { }

    /// <summary>An opaque connection ended.</summary>
    void ConnectionEnded(in ConnectionStart connection, in ConnectionEnd end) { }

    /// <summary>A stream to a destination is open; <paramref name="peer"/> is the proved identity, null when it went in plaintext.</summary>
    void Dialed(ClusterSnapshot cluster, DestinationSnapshot destination, SpiffeId? peer) { }

    /// <summary>A stream to a destination could not be opened.</summary>
    void DialFailed(ClusterSnapshot cluster, DestinationSnapshot destination, DialException error) { }

    /// <summary>A TLS handshake with a verified peer was finished.</summary>
    void HandshakeSeen(MeshSide side, SpiffeId peer) { }

    /// <summary>Something was refused: a handshake, a connection, a stream or a request.</summary>
    void Refused(in Refusal refusal) { }

    /// <summary>Plaintext was taken in permissive mode.</summary>
    void PlaintextTaken(string caller, string endpoint) { }

    /// <summary>A fault fired.</summary>
    void FaultFired(FaultRule rule, FaultEdge edge) { }

    /// <summary>A fault is in force on an edge, and counts here from now on.</summary>
    void FaultCounted(FaultCounts counts) { }

    /// <summary>A destination was ejected for a time.</summary>
    void DestinationEjected(ClusterSnapshot cluster, string destination, string reason, TimeSpan time) { }

    /// <summary>A circuit breaker changed; <paramref name="state"/> is Closed, Open or HalfOpen.</summary>
    void BreakerChanged(ClusterSnapshot cluster, string destination, string state) { }

    /// <summary>A request is sent once more; <paramref name="reason"/> is what the attempt before came to, for example <c>reset</c> or <c>503</c>.</summary>
    void Retried(ClusterSnapshot cluster, string route, string reason) { }

    /// <summary>A retry was worth it but not allowed: <c>budget</c>, <c>body</c> (larger than is kept), <c>retry_after</c> or <c>deadline</c>.</summary>
    void RetryRefused(ClusterSnapshot cluster, string route, string reason) { }

    /// <summary>A traffic split sent a request down one of several legs; <paramref name="cluster"/> is the leg.</summary>
    void SplitDecided(ClusterSnapshot cluster, string route) { }

    /// <summary>A hedge was sent.</summary>
    void Hedged(ClusterSnapshot cluster, string route) { }

    /// <summary>A request was copied to the mirror, or the copy was left out because too many were under way.</summary>
    void Mirrored(ClusterSnapshot cluster, string route, bool sent) { }

    /// <summary>An active probe changed its mind about a destination.</summary>
    void ProbeChanged(ClusterSnapshot cluster, DestinationSnapshot destination, bool healthy, string detail) { }

    /// <summary>An audit rule or audit mode let through what would have been refused.</summary>
    void Audited(in Refusal refusal) { }

    /// <summary>A snapshot is in force.</summary>
    void SnapshotApplied(MeshSnapshot snapshot) { }

    /// <summary>A snapshot was refused.</summary>
    void SnapshotRefused(long version, IReadOnlyList<string> errors) { }
}

/// <summary>Which half of a sidecar something happened in.</summary>
internal enum MeshSide
{
    /// <summary>Towards others.</summary>
    Outbound,

    /// <summary>From others.</summary>
    Inbound,

    /// <summary>From outside the mesh.</summary>
    Gateway,

    /// <summary>The loopback admin listener.</summary>
    Admin,

    /// <summary>The forward proxy for calls out of the mesh.</summary>
    Egress,
}

/// <summary>Why something was refused; the name, in lower case, is the metric's value.</summary>
internal enum RefusalReason
{
    /// <summary>Plaintext on a strict inbound port.</summary>
    Plaintext,

    /// <summary>No certificate, or one that is no SVID of this mesh.</summary>
    Handshake,

    /// <summary>The caller did not say, or named an endpoint that is not there.</summary>
    UnknownEndpoint,

    /// <summary>The authorization rules.</summary>
    Denied,

    /// <summary>The app's address is not known, or it does not take connections.</summary>
    AppUnreachable,

    /// <summary>The sidecar is going away.</summary>
    Draining,

    /// <summary>A cap on connections, streams or requests, a rate limit or load shedding.</summary>
    Limit,

    /// <summary>Bytes that the tunnel's protocol does not allow.</summary>
    Malformed,

    /// <summary>A token that is missing or not valid.</summary>
    Token,

    /// <summary>No destination could take it.</summary>
    NoDestination,

    /// <summary>Every circuit breaker is Open.</summary>
    BreakersOpen,

    /// <summary>It went in a circle.</summary>
    Loop,

    /// <summary>A destination outside the mesh that is not declared, or that no app may reach through its sidecar.</summary>
    Egress,
}

/// <summary>One refusal.</summary>
/// <param name="Side">Where.</param>
/// <param name="Reason">Why.</param>
/// <param name="Endpoint">The endpoint, or the listener's name; empty where it was not known yet.</param>
/// <param name="Caller">The proved SPIFFE ID, or the remote address.</param>
/// <param name="Rule">The authorization rule that decided, if one did.</param>
/// <param name="Detail">A sentence for the log.</param>
internal readonly record struct Refusal(MeshSide Side, RefusalReason Reason, string Endpoint, string Caller, string? Rule = null, string? Detail = null)
{
    /// <summary>Where it was going; null for the workload beside the sidecar, or where that was not known yet.</summary>
    public string? Destination { get; init; }

    /// <summary>The route it was on; null before one matched.</summary>
    public string? Route { get; init; }
}

/// <summary>An opaque connection.</summary>
/// <param name="Side">Where.</param>
/// <param name="Workload">The other workload: the callee on the outbound side, the caller's id on the inbound side.</param>
/// <param name="Endpoint">The endpoint.</param>
/// <param name="Timestamp">From the sidecar's TimeProvider.</param>
/// <param name="Route">The TLS route that chose where it goes; null for none.</param>
internal readonly record struct ConnectionStart(MeshSide Side, string Workload, string Endpoint, long Timestamp, string? Route = null);

/// <summary>How an opaque connection ended.</summary>
/// <param name="BytesSent">From the connection's opener to the other end.</param>
/// <param name="BytesReceived">Back to the opener.</param>
/// <param name="Error">What broke it; null when both ends closed.</param>
internal readonly record struct ConnectionEnd(long BytesSent, long BytesReceived, string? Error);
