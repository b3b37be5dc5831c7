using System.Collections.Immutable;

namespace AspireMesh.Protocol.Policies;

/// <summary>What the caller's sidecar does on one edge. Null means the mesh's default, which <see cref="MeshDefaults"/> states.</summary>
public sealed record EdgePolicies
{
    /// <summary>Routes with matches, splits and edits; requests that match none go straight to the edge's endpoint.</summary>
    public ImmutableArray<RoutePolicy> Routes { get; init; } = [];

    /// <summary>
    /// Where TLS connections go by the server name they ask for, without the TLS being ended; for edges that carry opaque TCP. With any, a connection that
    /// matches none is closed; without, every connection goes to the edge's endpoint and no byte of it is looked at.
    /// </summary>
    public ImmutableArray<TlsRoute> TlsRoutes { get; init; } = [];

    /// <summary>Time limits.</summary>
    public TimeoutPolicy? Timeouts { get; init; }

    /// <summary>Retries.</summary>
    public RetryPolicy? Retry { get; init; }

    /// <summary>Hedging of idempotent calls; excludes retries for the requests it covers.</summary>
    public HedgingPolicy? Hedging { get; init; }

    /// <summary>Choice among destinations.</summary>
    public LoadBalancingPolicy? LoadBalancing { get; init; }

    /// <summary>Active probing.</summary>
    public HealthCheckPolicy? HealthCheck { get; init; }

    /// <summary>Finding and removing bad destinations.</summary>
    public OutlierDetectionPolicy? OutlierDetection { get; init; }

    /// <summary>Stops calls to a failing destination.</summary>
    public CircuitBreakerPolicy? CircuitBreaker { get; init; }

    /// <summary>Caps on connections, waiting and running requests.</summary>
    public ConcurrencyPolicy? Limits { get; init; }

    /// <summary>Copies of requests to another endpoint.</summary>
    public MirrorPolicy? Mirror { get; init; }
}

/// <summary>What the callee's sidecar enforces.</summary>
public sealed record InboundPolicies
{
    /// <summary>Rules beyond the allow-list from references. Deny rules are looked at first; see <see cref="AuthorizationRule"/>.</summary>
    public ImmutableArray<AuthorizationRule> Authorization { get; init; } = [];

    /// <summary>Log and count what the rules would refuse, but let it through.</summary>
    public bool AuditOnly { get; init; }

    /// <summary>Token validation; null for none.</summary>
    public JwtPolicy? Jwt { get; init; }

    /// <summary>Local rate limits.</summary>
    public ImmutableArray<RateLimitPolicy> RateLimits { get; init; } = [];

    /// <summary>Load shedding; null for none.</summary>
    public LoadSheddingPolicy? LoadShedding { get; init; }

    /// <summary>Whether the app gets <c>x-forwarded-client-identity</c> with the caller's SPIFFE ID. Default false.</summary>
    public bool IdentityHeader { get; init; }

    /// <summary>Whether the inbound side makes spans of its own. Default false: the outbound side already has one per attempt.</summary>
    public bool Spans { get; init; }
}
