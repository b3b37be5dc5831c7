using AspireMesh.Protocol.Faults;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;

namespace AspireMesh.Hosting.Kubernetes.Rendering;

/// <summary>The kinds of policy that a published mesh can have; each one that occurs gets a verdict.</summary>
public enum PolicyKind
{
    /// <summary>mTLS mode.</summary>
    Mtls,

    /// <summary>The allow-list derived from references.</summary>
    AllowList,

    /// <summary>A rule of the user's.</summary>
    AuthorizationRule,

    /// <summary>Audit instead of refusal.</summary>
    AuditOnly,

    /// <summary>Token validation.</summary>
    Jwt,

    /// <summary>A local rate limit.</summary>
    RateLimit,

    /// <summary>Load shedding.</summary>
    LoadShedding,

    /// <summary>The caller's identity as a header to the app.</summary>
    IdentityHeader,

    /// <summary>Request timeout.</summary>
    RequestTimeout,

    /// <summary>Per-try timeout.</summary>
    PerTryTimeout,

    /// <summary>Idle timeout.</summary>
    IdleTimeout,

    /// <summary>Retries.</summary>
    Retry,

    /// <summary>The retry budget.</summary>
    RetryBudget,

    /// <summary>Hedging.</summary>
    Hedging,

    /// <summary>Load balancing.</summary>
    LoadBalancing,

    /// <summary>Active probing by the sidecar.</summary>
    HealthCheck,

    /// <summary>Outlier detection.</summary>
    OutlierDetection,

    /// <summary>Circuit breaker by failure ratio.</summary>
    CircuitBreaker,

    /// <summary>Connection and concurrency limits.</summary>
    Limits,

    /// <summary>Mirroring.</summary>
    Mirror,

    /// <summary>A route's match.</summary>
    Route,

    /// <summary>A weighted split.</summary>
    TrafficSplit,

    /// <summary>A redirect.</summary>
    Redirect,

    /// <summary>A rewrite.</summary>
    Rewrite,

    /// <summary>Header edits.</summary>
    HeaderEdits,

    /// <summary>Header edits of one leg of a split.</summary>
    LegHeaderEdits,

    /// <summary>TLS led by server name without being ended.</summary>
    TlsRoute,

    /// <summary>Cross-origin rules.</summary>
    Cors,

    /// <summary>A listener for traffic from outside.</summary>
    Gateway,

    /// <summary>A destination outside the mesh.</summary>
    ExternalService,

    /// <summary>Refusal of undeclared egress.</summary>
    EgressControl,

    /// <summary>A fault.</summary>
    Fault,
}

/// <summary>One policy of the mesh, with what it belongs to. Every renderer gives each item exactly one verdict.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Subject">Whose, for people: <c>web -> api.http</c>, <c>api</c> or <c>mesh</c>.</param>
/// <param name="Detail">Which one, where there can be several; empty otherwise.</param>
public sealed record PolicyItem(PolicyKind Kind, string Subject, string Detail = "")
{
    /// <summary>The edge, for edge policies.</summary>
    public EdgeModel? Edge { get; init; }

    /// <summary>The workload, for inbound policies.</summary>
    public WorkloadModel? Workload { get; init; }

    /// <summary>The route, for what belongs to one.</summary>
    public RoutePolicy? Route { get; init; }

    /// <summary>The rule, for <see cref="PolicyKind.AuthorizationRule"/>.</summary>
    public AuthorizationRule? Rule { get; init; }

    /// <summary>The fault, for <see cref="PolicyKind.Fault"/>.</summary>
    public FaultRule? Fault { get; init; }

    /// <summary>The gateway, for <see cref="PolicyKind.Gateway"/>.</summary>
    public GatewayModel? Gateway { get; init; }

    /// <summary>The destination, for <see cref="PolicyKind.ExternalService"/>.</summary>
    public ExternalServiceModel? External { get; init; }
}
