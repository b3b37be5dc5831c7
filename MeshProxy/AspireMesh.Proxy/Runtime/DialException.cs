namespace AspireMesh.Proxy.Runtime;

/// <summary>Why a stream could not be opened.</summary>
internal enum DialError
{
    /// <summary>No TCP connection to the other sidecar or address.</summary>
    Connect,

    /// <summary>The TLS handshake failed, or the peer is not who it has to be.</summary>
    Handshake,

    /// <summary>The far side's authorization rules.</summary>
    Denied,

    /// <summary>The far side has no such endpoint, or its app does not take connections.</summary>
    AppUnreachable,

    /// <summary>The far side is going away or at its limit.</summary>
    Refused,

    /// <summary>The connection broke while the stream was being opened.</summary>
    Broken,
}

/// <summary>A stream could not be opened; not a byte of the caller's reached an app.</summary>
internal sealed class DialException(DialError error, string message, Exception? inner = null) : IOException(message, inner)
{
    /// <summary>Why.</summary>
    public DialError Error { get; } = error;
}
