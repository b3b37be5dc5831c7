using System.Collections.Immutable;
using System.Text.Json.Serialization;
using AspireMesh.Protocol.Faults;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;

namespace AspireMesh.Protocol.Snapshot;

/// <summary>
/// Everything one sidecar obeys: immutable, versioned, compiled by the control plane. A request keeps the snapshot it started with.
/// Unknown optional fields are ignored; a field listed in <see cref="Requires"/> that a sidecar does not know makes it refuse the snapshot.
/// </summary>
public sealed record MeshSnapshot
{
    /// <summary>Rises with every change; 0 is never used.</summary>
    public required long Version { get; init; }

    /// <summary>Names of features a sidecar must know to obey this snapshot; an unknown one is a nack.</summary>
    public ImmutableArray<string> Requires { get; init; } = [];

    /// <summary>The workload.</summary>
    public required string Workload { get; init; }

    /// <summary>The sidecar's own name; see <see cref="SidecarModel.Instance"/>.</summary>
    public required string Instance { get; init; }

    /// <summary>This sidecar's SPIFFE ID.</summary>
    public required string Identity { get; init; }

    /// <summary>The zone this sidecar runs in, for locality preference; null where there are no zones.</summary>
    public string? Zone { get; init; }

    /// <summary>Whether plaintext is taken.</summary>
    public MtlsMode Mtls { get; init; }

    /// <summary>Whether inbound listeners take TLS 1.2 from peers that are no sidecars of ours. Default false: TLS 1.3 only.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool AllowTls12 { get; init; }

    /// <summary>Trusted roots, PEM, one certificate each. During a rotation there are several.</summary>
    public ImmutableArray<string> TrustBundle { get; init; } = [];

    /// <summary>How long a stopping sidecar lets running requests finish.</summary>
    public TimeSpan DrainTime { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>What others may reach here.</summary>
    public required InboundSnapshot Inbound { get; init; }

    /// <summary>What the app may reach.</summary>
    public ImmutableArray<OutboundListener> Outbound { get; init; } = [];

    /// <summary>The forward proxy for calls out of the mesh; null for none.</summary>
    public EgressListener? Egress { get; init; }

    /// <summary>Where outbound listeners send to.</summary>
    public ImmutableArray<ClusterSnapshot> Clusters { get; init; } = [];

    /// <summary>Listeners for traffic from outside the mesh.</summary>
    public ImmutableArray<GatewayListener> Gateways { get; init; } = [];

    /// <summary>Connections that the app makes to addresses of its own and that redirect rules lead to the sidecar; null where there are no such rules.</summary>
    public InterceptionSnapshot? Interception { get; init; }

    /// <summary>Faults this sidecar executes.</summary>
    public ImmutableArray<FaultRule> Faults { get; init; } = [];
}

/// <summary>What becomes of intercepted connections.</summary>
public sealed record InterceptionSnapshot
{
    /// <summary>Where they are redirected to, <c>host:port</c> on loopback; the same port of IPv6's loopback belongs to it.</summary>
    public required string Listen { get; init; }

    /// <summary>Whether one to an address that no outbound listener has is refused; it is passed on to that address otherwise.</summary>
    public bool RefuseUndeclared { get; init; }
}

/// <summary>The inbound listener: one mTLS port for all endpoints.</summary>
public sealed record InboundSnapshot
{
    /// <summary>Where it binds, <c>host:port</c>.</summary>
    public required string Listen { get; init; }

    /// <summary>The endpoints behind it.</summary>
    public ImmutableArray<InboundEndpoint> Endpoints { get; init; } = [];
}

/// <summary>One endpoint of the local app.</summary>
public sealed record InboundEndpoint
{
    /// <summary>The endpoint's name; a tunnel stream names it.</summary>
    public required string Name { get; init; }

    /// <summary>What it carries.</summary>
    public AppProtocol Protocol { get; init; }

    /// <summary>Where the app listens, <c>host:port</c>; null while it is not known: inbound then answers 503 or closes.</summary>
    public string? App { get; init; }

    /// <summary>Whether the app speaks TLS there.</summary>
    public bool AppTls { get; init; }

    /// <summary>
    /// Whether the stream goes through the HTTP pipeline (L7 rules, JWT, limits, HTTP faults, identity header, own spans).
    /// Otherwise it is spliced to the app once identity and L4 authorization are settled. Computed by the control plane.
    /// </summary>
    public bool WorksOnRequests { get; init; }

    /// <summary>Rules, completed: the Allow rules from references and the user's own. Empty refuses everyone.</summary>
    public ImmutableArray<AuthorizationRule> Authorization { get; init; } = [];

    /// <summary>Log and count what the rules would refuse, but let it through.</summary>
    public bool AuditOnly { get; init; }

    /// <summary>Token validation.</summary>
    public JwtPolicy? Jwt { get; init; }

    /// <summary>Rate limits.</summary>
    public ImmutableArray<RateLimitPolicy> RateLimits { get; init; } = [];

    /// <summary>Load shedding.</summary>
    public LoadSheddingPolicy? LoadShedding { get; init; }

    /// <summary>Whether the app gets the caller's identity in a header.</summary>
    public bool IdentityHeader { get; init; }

    /// <summary>Whether inbound makes spans of its own.</summary>
    public bool Spans { get; init; }
}

/// <summary>A listener for one referenced endpoint: on loopback, or where the app's container reaches this machine.</summary>
public sealed record OutboundListener
{
    /// <summary>Unique in the snapshot: <c>{workload}.{endpoint}</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Where it binds, <c>host:port</c>.</summary>
    public required string Listen { get; init; }

    /// <summary>
    /// Addresses whose connections it takes; null takes everyone's, which only a loopback listener may. Empty while the app's address is not known yet: a container has one
    /// only once it runs.
    /// </summary>
    public ImmutableArray<string>? TakesFrom { get; init; }

    /// <summary>The addresses, <c>ip:port</c>, that an app dials for it by itself: an intercepted connection to one of them is as good as one to <see cref="Listen"/>.</summary>
    public ImmutableArray<string> Addresses { get; init; } = [];

    /// <summary>What it carries.</summary>
    public AppProtocol Protocol { get; init; }

    /// <summary>The called workload or external service.</summary>
    public required string Destination { get; init; }

    /// <summary>The called endpoint.</summary>
    public required string Endpoint { get; init; }

    /// <summary>For HTTP: tried in order, the last one matches everything.</summary>
    public ImmutableArray<RouteSnapshot> Routes { get; init; } = [];

    /// <summary>For opaque TCP: the cluster.</summary>
    public string? Cluster { get; init; }

    /// <summary>For opaque TCP: where TLS connections go by server name, in place of <see cref="Cluster"/>; empty for none.</summary>
    public ImmutableArray<TlsRouteSnapshot> TlsRoutes { get; init; } = [];

    /// <summary>Caps of this edge.</summary>
    public ConcurrencyPolicy? Limits { get; init; }

    /// <summary>Time limits of connections (connect, idle) for opaque TCP, and the default for routes.</summary>
    public TimeoutPolicy Timeouts { get; init; } = new();
}

/// <summary>
/// A loopback forward proxy (RFC 9110 section 9.3.6, RFC 9112 section 3.2.2) that apps are told of in <c>HTTP_PROXY</c> and <c>HTTPS_PROXY</c>.
/// Declared destinations keep the policies of their edges.
/// </summary>
public sealed record EgressListener
{
    /// <summary>Where it binds, <c>host:port</c>.</summary>
    public required string Listen { get; init; }

    /// <summary>Addresses whose connections it takes, as <see cref="OutboundListener.TakesFrom"/>.</summary>
    public ImmutableArray<string>? TakesFrom { get; init; }

    /// <summary>What becomes of the destinations that are not declared.</summary>
    public EgressMode Mode { get; init; }

    /// <summary>The external services that this workload refers to.</summary>
    public ImmutableArray<EgressDestination> Destinations { get; init; } = [];
}

/// <summary>A declared destination outside the mesh.</summary>
public sealed record EgressDestination
{
    /// <summary>As an app names it: host name in ASCII and lower case, or address.</summary>
    public required string Host { get; init; }

    /// <summary>Port.</summary>
    public required int Port { get; init; }

    /// <summary>The outbound listener whose routes and policies its HTTP requests meet.</summary>
    public required string Listener { get; init; }

    /// <summary>Whether it is spoken to in TLS.</summary>
    public bool Tls { get; init; }

    /// <summary>The cluster that leads there without TLS of the sidecar's own, for connections in which the app itself speaks TLS.</summary>
    public required string Cluster { get; init; }
}

/// <summary>A compiled TLS route.</summary>
public sealed record TlsRouteSnapshot
{
    /// <summary>Shows as <c>mesh.route</c>.</summary>
    public required string Name { get; init; }

    /// <summary>As in <see cref="TlsRoute.ServerNames"/>.</summary>
    public ImmutableArray<string> ServerNames { get; init; } = [];

    /// <summary>Weighted clusters.</summary>
    public ImmutableArray<ClusterWeight> Clusters { get; init; } = [];
}

/// <summary>A compiled route: nothing is left to inherit.</summary>
public sealed record RouteSnapshot
{
    /// <summary>Shows as <c>mesh.route</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Any of these; empty matches everything.</summary>
    public ImmutableArray<RouteMatch> Matches { get; init; } = [];

    /// <summary>Weighted clusters; exactly one for a route without a split. Empty only with a redirect.</summary>
    public ImmutableArray<ClusterWeight> Clusters { get; init; } = [];

    /// <summary>Redirect instead of forwarding.</summary>
    public RedirectAction? Redirect { get; init; }

    /// <summary>Rewrite.</summary>
    public RewriteAction? Rewrite { get; init; }

    /// <summary>Request header edits.</summary>
    public HeaderEdits? RequestHeaders { get; init; }

    /// <summary>Response header edits.</summary>
    public HeaderEdits? ResponseHeaders { get; init; }

    /// <summary>Cross-origin rules.</summary>
    public CorsPolicy? Cors { get; init; }

    /// <summary>The cluster that gets copies; null for none.</summary>
    public MirrorTarget? Mirror { get; init; }

    /// <summary>Time limits.</summary>
    public TimeoutPolicy Timeouts { get; init; } = new();

    /// <summary>Retries; null for none.</summary>
    public RetryPolicy? Retry { get; init; }

    /// <summary>Hedging; null for none.</summary>
    public HedgingPolicy? Hedging { get; init; }
}

/// <summary>One leg of a split.</summary>
/// <param name="Cluster">The cluster's name.</param>
/// <param name="Weight">Share in proportion to the sum.</param>
public sealed record ClusterWeight(string Cluster, int Weight)
{
    /// <summary>Edits of request headers for this leg alone, after the route's.</summary>
    public HeaderEdits? RequestHeaders { get; init; }
}

/// <summary>Where copies go.</summary>
/// <param name="Cluster">The cluster's name.</param>
/// <param name="Percent">Share of requests, 0 to 100.</param>
public sealed record MirrorTarget(string Cluster, double Percent);

/// <summary>Interchangeable destinations.</summary>
public sealed record ClusterSnapshot
{
    /// <summary>Unique in the snapshot: <c>{workload}.{endpoint}</c>, with the subset's labels where there is one.</summary>
    public required string Name { get; init; }

    /// <summary>The workload or external service.</summary>
    public required string Workload { get; init; }

    /// <summary>The endpoint that a tunnel stream names.</summary>
    public required string Endpoint { get; init; }

    /// <summary>How destinations are reached.</summary>
    public ClusterKind Kind { get; init; }

    /// <summary>The SPIFFE ID every destination must prove; null for destinations outside the mesh.</summary>
    public string? ExpectedIdentity { get; init; }

    /// <summary>Server name for TLS towards a destination outside the mesh.</summary>
    public string? ServerName { get; init; }

    /// <summary>Roots for TLS towards a destination outside the mesh, PEM, in place of the system's; null for the system's.</summary>
    public string? TrustedRoots { get; init; }

    /// <summary>
    /// Where the workload's app itself listens, <c>host:port</c>, https endpoints included. A redirect to one of these would lead the caller out of the mesh,
    /// so its <c>Location</c> is rewritten to the caller's listener.
    /// </summary>
    public ImmutableArray<string> AppAddresses { get; init; } = [];

    /// <summary>The addresses.</summary>
    public ImmutableArray<DestinationSnapshot> Destinations { get; init; } = [];

    /// <summary>Choice among them.</summary>
    public LoadBalancingPolicy LoadBalancing { get; init; } = new();

    /// <summary>Active probing; null for none.</summary>
    public HealthCheckPolicy? HealthCheck { get; init; }

    /// <summary>Outlier detection; null for none.</summary>
    public OutlierDetectionPolicy? OutlierDetection { get; init; }

    /// <summary>Breaker per destination; null for none.</summary>
    public CircuitBreakerPolicy? CircuitBreaker { get; init; }
}

/// <summary>How a cluster's destinations are reached.</summary>
public enum ClusterKind
{
    /// <summary>Inbound listeners of other sidecars, through the tunnel.</summary>
    Mesh,

    /// <summary>Plain TCP or HTTP (outside the mesh, or <see cref="MtlsMode.Disabled"/>).</summary>
    Plain,

    /// <summary>TLS originated by the sidecar, server name from <see cref="ClusterSnapshot.ServerName"/>, trust from <see cref="ClusterSnapshot.TrustedRoots"/>.</summary>
    Tls,
}

/// <summary>One address.</summary>
public sealed record DestinationSnapshot
{
    /// <summary>Unique in the cluster: the destination sidecar's instance name, or the address itself.</summary>
    public required string Name { get; init; }

    /// <summary><c>host:port</c>.</summary>
    public required string Address { get; init; }

    /// <summary>Relative weight, 0 to 1,000,000. Default 1; 0 is chosen only where no other can be.</summary>
    public double Weight { get; init; } = 1;

    /// <summary>The zone, for locality preference.</summary>
    public string? Zone { get; init; }
}

/// <summary>A listener for traffic from outside the mesh; routes lead to the snapshot's clusters.</summary>
public sealed record GatewayListener
{
    /// <summary>The gateway's name.</summary>
    public required string Name { get; init; }

    /// <summary>Where it binds, <c>host:port</c>.</summary>
    public required string Listen { get; init; }

    /// <summary>PEM of certificate and key for TLS; null for plain HTTP.</summary>
    public string? CertificatePem { get; init; }

    /// <summary>Where TLS connections go by server name, without the TLS being ended; empty for a gateway that works on HTTP.</summary>
    public ImmutableArray<TlsRouteSnapshot> TlsRoutes { get; init; } = [];

    /// <summary>Tried in order, the last one matches everything.</summary>
    public ImmutableArray<RouteSnapshot> Routes { get; init; } = [];

    /// <summary>Token validation.</summary>
    public JwtPolicy? Jwt { get; init; }

    /// <summary>Rate limits.</summary>
    public ImmutableArray<RateLimitPolicy> RateLimits { get; init; } = [];
}
