namespace AspireMesh.Proxy.Tunnel.Multiplexing;

/// <summary>Why a stream was reset or a connection ended.</summary>
internal enum TunnelError : uint
{
    /// <summary>Nothing is wrong: an orderly end.</summary>
    None = 0,

    /// <summary>The peer broke the rules of the tunnel. Ends the connection.</summary>
    Protocol = 1,

    /// <summary>Something failed on this side.</summary>
    Internal = 2,

    /// <summary>The peer sent more than the stream's window. Ends the connection.</summary>
    FlowControl = 3,

    /// <summary>The stream was not looked at (drain, too many streams): safe to open anew elsewhere.</summary>
    Refused = 4,

    /// <summary>Nobody wants the rest of the stream.</summary>
    Cancelled = 5,

    /// <summary>Authorization refused the stream before any byte reached the app.</summary>
    Unauthorized = 6,

    /// <summary>There is no such endpoint here.</summary>
    UnknownEndpoint = 7,

    /// <summary>The app could not be connected to: no byte reached it.</summary>
    AppUnreachable = 8,

    /// <summary>The app's connection broke.</summary>
    AppReset = 9,

    /// <summary>The connection under the stream is gone.</summary>
    ConnectionLost = 10,

    /// <summary>In a GOAWAY: this end stops, and what runs is cut when its drain time is over. A drain without it goes on for as long as something runs.</summary>
    Stopping = 11,
}

/// <summary>A stream or its connection ended other than in order.</summary>
internal sealed class TunnelException(TunnelError error, string message, Exception? inner = null) : IOException(message, inner)
{
    /// <summary>Why.</summary>
    public TunnelError Error { get; } = error;

    /// <summary>Whether it is certain that no byte of the stream reached the app, so that any request may be sent again elsewhere.</summary>
    public bool NothingDelivered => Error is TunnelError.Refused or TunnelError.AppUnreachable or TunnelError.UnknownEndpoint;
}
