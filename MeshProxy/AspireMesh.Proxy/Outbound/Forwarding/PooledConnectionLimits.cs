namespace AspireMesh.Proxy.Outbound.Forwarding;

/// <summary>How long connections to a destination are kept, whichever forwarder uses them.</summary>
internal static class PooledConnectionLimits
{
    /// <summary>Shorter than the keep-alive of the servers in use (Node and uvicorn: 5 s): a stream must not be reused while its server is closing it.</summary>
    public static readonly TimeSpan Idle = TimeSpan.FromSeconds(4);

    /// <summary>A busy connection would never fall idle: without an end of its own it would keep a tunnel, and the SVIDs it was made with, alive for good.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(2);
}
