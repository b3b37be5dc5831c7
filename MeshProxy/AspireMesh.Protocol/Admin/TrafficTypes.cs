using System.Collections.Immutable;

namespace AspireMesh.Protocol.Admin;

/// <summary>One compiled route of a listener, as <c>aspiremesh routes</c> shows it.</summary>
public sealed record RouteView
{
    /// <summary>The caller's sidecar; <c>outside</c> at a gateway.</summary>
    public required string From { get; init; }

    /// <summary>The callee; the gateway's name at a gateway.</summary>
    public required string To { get; init; }

    /// <summary>Its endpoint; empty at a gateway.</summary>
    public required string Endpoint { get; init; }

    /// <summary>http or tcp; tls where TLS is led by its server name.</summary>
    public required string Protocol { get; init; }

    /// <summary>Where the caller's sidecar listens, <c>host:port</c>.</summary>
    public required string Listen { get; init; }

    /// <summary>The route; null for opaque TCP.</summary>
    public string? Route { get; init; }

    /// <summary>Which requests, in words; empty for all.</summary>
    public string Match { get; init; } = "";

    /// <summary>What else happens to them, in words: retries, time limits, redirect, rewrite, header edits, CORS, hedges, mirror.</summary>
    public string Policy { get; init; } = "";

    /// <summary>Where they go.</summary>
    public ImmutableArray<LegView> Legs { get; init; } = [];
}

/// <summary>One leg of a route.</summary>
public sealed record LegView
{
    /// <summary>The cluster.</summary>
    public required string Cluster { get; init; }

    /// <summary>Its weight.</summary>
    public int Weight { get; init; }

    /// <summary>Destinations, <c>name=host:port</c>, with <c> (weight 3)</c> where it is not 1.</summary>
    public ImmutableArray<string> Destinations { get; init; } = [];
}

/// <summary>One edge over the last 30 seconds, as <c>aspiremesh stat</c> shows it.</summary>
public sealed record StatRow
{
    /// <summary>The caller.</summary>
    public required string From { get; init; }

    /// <summary>The callee.</summary>
    public required string To { get; init; }

    /// <summary>The endpoint.</summary>
    public required string Endpoint { get; init; }

    /// <summary>http or tcp.</summary>
    public required string Protocol { get; init; }

    /// <summary>Requests (connections for opaque TCP) per second.</summary>
    public double PerSecond { get; init; }

    /// <summary>Share that did not fail, 0 to 100; null without traffic.</summary>
    public double? SuccessPercent { get; init; }

    /// <summary>Median time to response headers, milliseconds; null without traffic.</summary>
    public double? P50Ms { get; init; }

    /// <summary>95th percentile.</summary>
    public double? P95Ms { get; init; }

    /// <summary>99th percentile.</summary>
    public double? P99Ms { get; init; }

    /// <summary>Requests since the start.</summary>
    public long Requests { get; init; }

    /// <summary>Failures since the start.</summary>
    public long Failures { get; init; }

    /// <summary>Attempts since the start, retries included.</summary>
    public long Attempts { get; init; }

    /// <summary>What the handshakes were seen to be; null before the first.</summary>
    public bool? Mtls { get; init; }
}
