using System.Collections.Immutable;
using System.Text.Json.Serialization;
using AspireMesh.Protocol.Faults;
using AspireMesh.Protocol.Policies;

namespace AspireMesh.Protocol.Model;

/// <summary>
/// The whole mesh as intended: workloads, edges and policies. The planner makes it from an AppHost; the control plane compiles it,
/// together with the endpoints that are alive, into one snapshot per sidecar. It says nothing about addresses that are only known at run time.
/// </summary>
public sealed record MeshModel
{
    /// <summary>The AppHost's name, shown by tools.</summary>
    public required string Name { get; init; }

    /// <summary>The trust domain; one per AppHost, so that two meshes of one user refuse each other.</summary>
    public required string TrustDomain { get; init; }

    /// <summary>Namespace in every SPIFFE ID. Default <c>default</c>.</summary>
    public string Namespace { get; init; } = "default";

    /// <summary>Whether plaintext is taken by inbound listeners. Default <see cref="MtlsMode.Strict"/>.</summary>
    public MtlsMode Mtls { get; init; } = MtlsMode.Strict;

    /// <summary>Whether inbound listeners take TLS 1.2 from peers that are no sidecars of ours. Default false: TLS 1.3 only.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool AllowTls12 { get; init; }

    /// <summary>How long a leaf certificate lives. Default 1 hour (24 hours in a cluster). Renewed at about half of it.</summary>
    public TimeSpan SvidLifetime { get; init; } = TimeSpan.FromHours(1);

    /// <summary>How long a stopping sidecar lets running requests finish. Default 30 seconds.</summary>
    public TimeSpan DrainTime { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Whether faults may be injected. Off unless the AppHost opts in.</summary>
    public bool ChaosEnabled { get; init; }

    /// <summary>What happens to calls to destinations outside the mesh that nobody declared. Default <see cref="EgressMode.Unwatched"/>.</summary>
    public EgressMode UndeclaredEgress { get; init; }

    /// <summary>Whether sidecars come and go by themselves, as pods do: a workload without one is then no mistake. Default false.</summary>
    public bool SidecarsComeAndGo { get; init; }

    /// <summary>The workloads, each with a sidecar.</summary>
    public ImmutableArray<WorkloadModel> Workloads { get; init; } = [];

    /// <summary>The references: who may call whom. The allow-list follows from these.</summary>
    public ImmutableArray<EdgeModel> Edges { get; init; } = [];

    /// <summary>Destinations outside the mesh that workloads reach through their egress listeners.</summary>
    public ImmutableArray<ExternalServiceModel> ExternalServices { get; init; } = [];

    /// <summary>Listeners for traffic from outside the mesh.</summary>
    public ImmutableArray<GatewayModel> Gateways { get; init; } = [];

    /// <summary>Faults in force from the start (usually none).</summary>
    public ImmutableArray<FaultRule> Faults { get; init; } = [];
}

/// <summary>What becomes of a call to a destination outside the mesh that is no external service of the AppHost.</summary>
public enum EgressMode
{
    /// <summary>Sidecars have no egress listener: such calls go past them.</summary>
    Unwatched,

    /// <summary>Sidecars have an egress listener (a forward proxy): such calls pass, are logged and counted.</summary>
    Audit,

    /// <summary>Sidecars have an egress listener: such calls are refused with 403, logged and counted.</summary>
    Refuse,
}

/// <summary>How an inbound listener treats plaintext.</summary>
public enum MtlsMode
{
    /// <summary>mTLS is required: plaintext gets nothing.</summary>
    Strict,

    /// <summary>mTLS is used between sidecars; plaintext is also taken, past the list of references and no other rule, and counted per caller.</summary>
    Permissive,

    /// <summary>
    /// Callers' sidecars send plaintext straight to the app, so nothing of what its own sidecar enforces holds: neither the allow-list nor tokens, rules, rate limits and load
    /// shedding. For moving a system into the mesh, never for production.
    /// </summary>
    Disabled,
}

/// <summary>One resource that takes part in the mesh.</summary>
public sealed record WorkloadModel
{
    /// <summary>The resource's name.</summary>
    public required string Name { get; init; }

    /// <summary>The endpoints that other workloads can reach.</summary>
    public ImmutableArray<EndpointModel> Endpoints { get; init; } = [];

    /// <summary>Labels for subsets (for example <c>version</c>) and locality (<c>zone</c>).</summary>
    public ImmutableDictionary<string, string> Labels { get; init; } = ImmutableDictionary<string, string>.Empty;

    /// <summary>What the inbound side enforces beyond the allow-list.</summary>
    public InboundPolicies Inbound { get; init; } = new();

    /// <summary>Where its sidecars take connections that redirect rules lead to them, <c>host:port</c> on loopback; null where the app calls its sidecar by itself.</summary>
    public string? Intercept { get; init; }

    /// <summary>The sidecars beside this workload: one per replica where the host can tell replicas apart, otherwise one.</summary>
    public ImmutableArray<SidecarModel> Sidecars { get; init; } = [];
}

/// <summary>A resource's named port.</summary>
public sealed record EndpointModel
{
    /// <summary>The endpoint's name, unique in its workload.</summary>
    public required string Name { get; init; }

    /// <summary>What travels over it.</summary>
    public AppProtocol Protocol { get; init; }

    /// <summary>Whether the app itself speaks TLS on this port (an https endpoint).</summary>
    public bool AppTls { get; init; }

    /// <summary>Where the app listens as its own sidecar sees it, <c>host:port</c>, where that is the same beside every sidecar (in a pod: <c>127.0.0.1:8080</c>); null where it is only known at run time.</summary>
    public string? App { get; init; }
}

/// <summary>What a listener or an endpoint carries.</summary>
public enum AppProtocol
{
    /// <summary>HTTP/1.1 or HTTP/2 (gRPC, WebSocket, server-sent events included), told apart by the first bytes.</summary>
    Http,

    /// <summary>Opaque TCP: carried without being parsed.</summary>
    Tcp,
}

/// <summary>One sidecar process (or in-process sidecar) beside one workload instance.</summary>
public sealed record SidecarModel
{
    /// <summary>Unique in the mesh: the workload's name, with <c>-0</c>, <c>-1</c>, … where there are replicas.</summary>
    public required string Instance { get; init; }

    /// <summary>Where the inbound listener binds, <c>host:port</c>.</summary>
    public required string Inbound { get; init; }

    /// <summary>Where the admin listener binds, <c>host:port</c>.</summary>
    public required string Admin { get; init; }

    /// <summary>Where the egress listener binds, <c>host:port</c>; null where <see cref="MeshModel.UndeclaredEgress"/> is <see cref="EgressMode.Unwatched"/>.</summary>
    public string? Egress { get; init; }

    /// <summary>
    /// Where others reach the inbound listener, <c>host:port</c>, for a sidecar with a network of its own (a pod binds a wildcard and is reached at its address).
    /// Empty while that is not known: it is no destination then. Null: at <see cref="Inbound"/>.
    /// </summary>
    public string? Address { get; init; }

    /// <summary>
    /// Its share of what callers send to the workload, in proportion to the other sidecars' weights, 0 to 1,000,000. Default 1; 0 gets nothing while another can be chosen.
    /// Algorithms that look at load measure it against the weight. In a cluster pods are alike: split between workloads there.
    /// </summary>
    public double Weight { get; init; } = 1;

    /// <summary>Labels of this one sidecar (a replica of another version, its <c>zone</c>); they win over the workload's.</summary>
    public ImmutableDictionary<string, string> Labels { get; init; } = ImmutableDictionary<string, string>.Empty;
}

/// <summary>A reference: <c>From</c> may call <c>To</c>'s endpoint.</summary>
public sealed record EdgeModel
{
    /// <summary>The calling workload.</summary>
    public required string From { get; init; }

    /// <summary>The called workload or external service.</summary>
    public required string To { get; init; }

    /// <summary>The called endpoint's name.</summary>
    public required string Endpoint { get; init; }

    /// <summary>Where each of the caller's sidecars listens for it, <c>host:port</c>, keyed by <see cref="SidecarModel.Instance"/>.</summary>
    public ImmutableDictionary<string, string> Listen { get; init; } = ImmutableDictionary<string, string>.Empty;

    /// <summary>The addresses, <c>ip:port</c>, under which the callee is known outside the mesh (a Service's): an intercepted connection to one of them takes this edge.</summary>
    public ImmutableArray<string> Addresses { get; init; } = [];

    /// <summary>Policies of this edge.</summary>
    public EdgePolicies Policies { get; init; } = new();
}

/// <summary>A destination outside the mesh.</summary>
public sealed record ExternalServiceModel
{
    /// <summary>The external service's name in the AppHost.</summary>
    public required string Name { get; init; }

    /// <summary>Host name or address.</summary>
    public required string Host { get; init; }

    /// <summary>Port.</summary>
    public required int Port { get; init; }

    /// <summary>What is carried.</summary>
    public AppProtocol Protocol { get; init; }

    /// <summary>Whether the sidecar originates TLS towards it.</summary>
    public bool Tls { get; init; }

    /// <summary>Roots that its certificate has to chain to, PEM, in place of the system's; null for the system's.</summary>
    public string? TrustedRoots { get; init; }
}

/// <summary>A listener for traffic from outside the mesh, on the sidecar of the workload it leads to.</summary>
public sealed record GatewayModel
{
    /// <summary>The gateway's name.</summary>
    public required string Name { get; init; }

    /// <summary>The workload whose sidecar carries the listener.</summary>
    public required string Workload { get; init; }

    /// <summary>Where it binds, <c>host:port</c>.</summary>
    public required string Listen { get; init; }

    /// <summary>PEM of certificate and key for TLS from outside; null for plain HTTP.</summary>
    public string? CertificatePem { get; init; }

    /// <summary>Where requests go. The first match wins; an empty list sends everything to <see cref="Workload"/>.</summary>
    public ImmutableArray<GatewayRoute> Routes { get; init; } = [];

    /// <summary>
    /// Where TLS connections go by the server name they ask for; the TLS is not ended here, so routes, tokens, limits and a certificate exclude it.
    /// Empty for a gateway that works on HTTP. A connection that matches none is closed.
    /// </summary>
    public ImmutableArray<TlsRoute> TlsRoutes { get; init; } = [];

    /// <summary>The endpoint of <see cref="Workload"/> that requests go to when no route says otherwise.</summary>
    public required string Endpoint { get; init; }

    /// <summary>Token validation for requests from outside; null for none.</summary>
    public JwtPolicy? Jwt { get; init; }

    /// <summary>Limits on requests from outside.</summary>
    public ImmutableArray<RateLimitPolicy> RateLimits { get; init; } = [];
}

/// <summary>One rule of a gateway.</summary>
public sealed record GatewayRoute
{
    /// <summary>Which requests.</summary>
    public required RouteMatch Match { get; init; }

    /// <summary>The workload they go to; the gateway's own workload must have an edge to it.</summary>
    public required string Workload { get; init; }

    /// <summary>The endpoint of that workload.</summary>
    public required string Endpoint { get; init; }
}
