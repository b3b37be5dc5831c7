namespace AspireMesh.Proxy.Control;

/// <summary>How a sidecar stands towards its control plane.</summary>
internal enum ControlPhase
{
    /// <summary>Has no SVID yet.</summary>
    Joining,

    /// <summary>Receives snapshots.</summary>
    Connected,

    /// <summary>Runs on with the last snapshot and SVID, and tries to connect again.</summary>
    Disconnected,

    /// <summary>The SVID is past its end: peers refuse it, nothing gets in or out over mTLS.</summary>
    Expired,

    /// <summary>The control plane does not know this sidecar any more, or refused it.</summary>
    Refused,
}

/// <summary>A phase since a time, with a sentence for people.</summary>
/// <param name="Phase">The phase.</param>
/// <param name="Since">When it began, UTC.</param>
/// <param name="Detail">What happened and what to type; empty while all is well.</param>
internal sealed record ControlState(ControlPhase Phase, DateTimeOffset Since, string Detail);
