using AspireMesh.Proxy.Tunnel.Multiplexing;

namespace AspireMesh.Proxy.Tunnel;

/// <summary>
/// Drains a tunnel connection when the SVID of either end runs out. Renewal replaces connections long before; this is for an end that was not renewed,
/// because its control plane is gone or no longer knows it: identity that has expired opens no new stream.
/// </summary>
internal static class ExpiryWatch
{
    // Timers take at most some weeks; SVIDs live for hours.
    private static readonly TimeSpan Longest = TimeSpan.FromDays(40);

    /// <summary>Starts watching; dispose it with the connection.</summary>
    public static ITimer Start(TunnelConnection connection, DateTimeOffset expires, TimeProvider time)
    {
        var left = expires - time.GetUtcNow();
        var due = left < TimeSpan.Zero ? TimeSpan.Zero : left > Longest ? Longest : left;
        return time.CreateTimer(static c => _ = ((TunnelConnection)c!).DrainAsync(CancellationToken.None), connection, due, Timeout.InfiniteTimeSpan);
    }
}
