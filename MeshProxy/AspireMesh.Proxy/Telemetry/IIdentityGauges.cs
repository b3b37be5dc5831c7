using AspireMesh.Proxy.Control;

namespace AspireMesh.Proxy.Telemetry;

/// <summary>What metrics and reports say about identity and control plane.</summary>
internal interface IIdentityGauges
{
    /// <summary>End of the SVID's life, UTC; null before the first.</summary>
    DateTimeOffset? SvidExpires { get; }

    /// <summary>Serial number of the SVID in use; null before the first.</summary>
    string? SvidSerial { get; }

    /// <summary>Whether snapshots come.</summary>
    bool IsConnected { get; }
}

/// <summary>Read from the control client, which is made after the telemetry that it reports.</summary>
internal sealed class IdentityGauges : IIdentityGauges
{
    /// <summary>The client, once it is there.</summary>
    public MeshControlClient? Client { get; set; }

    /// <inheritdoc/>
    public DateTimeOffset? SvidExpires => Client?.Current?.Expires;

    /// <inheritdoc/>
    public string? SvidSerial => Client?.Current?.Leaf.SerialNumber;

    /// <inheritdoc/>
    public bool IsConnected => Client?.State.Phase == ControlPhase.Connected;
}
