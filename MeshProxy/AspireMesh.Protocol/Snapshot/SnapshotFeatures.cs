namespace AspireMesh.Protocol.Snapshot;

/// <summary>What a snapshot can require of a sidecar; see <see cref="MeshSnapshot.Requires"/>.</summary>
public static class SnapshotFeatures
{
    /// <summary>The multiplexed tunnel between sidecars.</summary>
    public const string Tunnel = "tunnel/1";

    /// <summary><see cref="MeshSnapshot.Egress"/>.</summary>
    public const string Egress = "egress/1";

    /// <summary><see cref="OutboundListener.TlsRoutes"/> and <see cref="GatewayListener.TlsRoutes"/>.</summary>
    public const string TlsRoutes = "tls-routes/1";

    /// <summary><see cref="MeshSnapshot.Interception"/>: a sidecar that takes no intercepted connections would leave its app without any.</summary>
    public const string Interception = "interception/1";
}
