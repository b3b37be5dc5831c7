using AspireMesh.Protocol.Identity;

namespace AspireMesh.Proxy.Http;

/// <summary>Who calls: the SPIFFE ID that was proved, and the workload in it. On the outbound side it is this sidecar itself.</summary>
internal sealed record CallerIdentity(string? Id, string? Workload)
{
    private const string WorkloadSegment = "/sa/";

    public static CallerIdentity Unknown { get; } = new(null, null);

    /// <summary>Reads the workload out of <c>spiffe://td/ns/{ns}/sa/{workload}</c>; an id of another shape has none.</summary>
    public static CallerIdentity FromId(string? id)
    {
        if (id is null || !SpiffeId.TryParse(id, out var parsed, out _)) return new CallerIdentity(id, null);
        var at = parsed.Path.IndexOf(WorkloadSegment, StringComparison.Ordinal);
        return new CallerIdentity(id, at < 0 ? null : parsed.Path[(at + WorkloadSegment.Length)..]);
    }

    /// <summary>Of an identity that a handshake proved; null is nobody.</summary>
    public static CallerIdentity FromPeer(SpiffeId? peer)
    {
        if (peer is null) return Unknown;
        var at = peer.Path.IndexOf(WorkloadSegment, StringComparison.Ordinal);
        return new CallerIdentity(peer.ToString(), at < 0 ? null : peer.Path[(at + WorkloadSegment.Length)..]);
    }

    /// <summary>Policies name callers by workload or by whole id; the control plane completes them where it can.</summary>
    public bool Is(string name) => name.StartsWith("spiffe://", StringComparison.Ordinal) ? name == Id : name == Workload;
}
