using AspireMesh.Proxy.Sockets;

namespace AspireMesh.Proxy.Tunnel.Multiplexing;

/// <summary>Limits of one tunnel connection. Both ends of a mesh use the same values; the window is part of the protocol.</summary>
internal sealed record TunnelOptions
{
    /// <summary>Bytes a stream may have in flight or unread: what a stalled reader holds at the most. Default 256 KiB.</summary>
    public int StreamWindow { get; init; } = 256 * 1024;

    /// <summary>Streams open at once on one connection; more are refused. Default 2,048.</summary>
    public int MaxStreams { get; init; } = 2048;

    /// <summary>Bytes gathered for one write. Writers wait in turn when as many are pending. Default 128 KiB.</summary>
    public int WriteBatch { get; init; } = 128 * 1024;

    /// <summary>Silence before a ping is sent; zero for none. Default 15 s.</summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Time for the answer to a ping; then the connection is lost. Default 10 s.</summary>
    public TimeSpan KeepAliveTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Whether a reader that waits for a stream's bytes goes on at once, on the thread that read them off the connection, instead of on the thread pool:
    /// a thread switch less per message, for readers that never block. Default false.
    /// </summary>
    public bool InlineReads { get; init; }

    /// <summary>Where writes are started: at the end of a turn of the sockets' loop. Null, the default, for the thread pool.</summary>
    public SocketTurns? Turns { get; init; }

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
