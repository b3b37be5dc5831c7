namespace AspireMesh.Protocol.Policies;

/// <summary>What an edge does when nobody said anything: <c>AddServiceMesh()</c> alone is already resilient. The README's table is checked against this.</summary>
public static class MeshDefaults
{
    /// <summary>15 s to response headers, 5 s to connect, 5 min idle.</summary>
    public static TimeoutPolicy Timeouts { get; } = new();

    /// <summary>For opaque TCP: idle for an hour, because pools of databases and brokers keep connections that long (Envoy's default too).</summary>
    public static TimeoutPolicy OpaqueTimeouts { get; } = new() { Idle = TimeSpan.FromHours(1) };

    /// <summary>Two retries of idempotent methods, and of anything that was not sent, within a 20 % budget.</summary>
    public static RetryPolicy Retry { get; } = new();

    /// <summary>Peak EWMA.</summary>
    public static LoadBalancingPolicy LoadBalancing { get; } = new();

    /// <summary>For opaque TCP, where a connection's life says nothing about latency: fewest open connections of two chosen at random.</summary>
    public static LoadBalancingPolicy OpaqueLoadBalancing { get; } = new() { Algorithm = LoadBalancingAlgorithm.LeastRequests };

    /// <summary>Five consecutive errors or three connect failures eject a destination for 5 s and growing.</summary>
    public static OutlierDetectionPolicy OutlierDetection { get; } = new();
}
