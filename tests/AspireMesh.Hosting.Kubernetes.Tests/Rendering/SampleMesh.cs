using System.Collections.Immutable;
using AspireMesh.Hosting.Kubernetes.Rendering;
using AspireMesh.Protocol.Faults;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;

namespace AspireMesh.Hosting.Kubernetes.Tests.Rendering;

/// <summary>A mesh in which every kind of policy occurs.</summary>
internal static class SampleMesh
{
    public static MeshModel Model { get; } = new()
    {
        Name = "shop",
        TrustDomain = "shop.mesh",
        ChaosEnabled = true,
        UndeclaredEgress = EgressMode.Refuse,
        Workloads =
        [
            new WorkloadModel { Name = "web" , Endpoints = [new EndpointModel { Name = "http" }] },
            new WorkloadModel { Name = "batch" },
            new WorkloadModel
            {
                Name = "api",
                Endpoints = [new EndpointModel { Name = "http" }, new EndpointModel { Name = "grpc" }],
                Inbound = new InboundPolicies
                {
                    Authorization =
                    [
                        new AuthorizationRule { Name = "no-batch", Action = AuthorizationAction.Deny, Callers = ["batch"] },
                        new AuthorizationRule { Name = "admins", Action = AuthorizationAction.Allow, Callers = ["web"], Endpoints = ["http"], Requests = [new RouteMatch { Path = new(StringMatchKind.Prefix, "/admin"), Methods = ["GET"] }], Claims = [new("role", new(StringMatchKind.Exact, "admin"))] },
                        new AuthorizationRule { Name = "watch-deletes", Action = AuthorizationAction.Audit, Requests = [new RouteMatch { Methods = ["DELETE"] }] },
                    ],
                    Jwt = new JwtPolicy { Issuer = "https://issuer.example", Audiences = ["shop"], JwksUri = "https://issuer.example/keys" },
                    RateLimits = [new RateLimitPolicy { Name = "all", PerSecond = 100, Burst = 20 }, new RateLimitPolicy { Name = "per-caller", PerSecond = 10, Key = RateLimitKey.Caller }],
                    LoadShedding = new LoadSheddingPolicy(),
                    IdentityHeader = true,
                },
            },
            new WorkloadModel { Name = "api-next", Endpoints = [new EndpointModel { Name = "http" }], Inbound = new InboundPolicies { AuditOnly = true } },
            new WorkloadModel { Name = "db", Endpoints = [new EndpointModel { Name = "tcp", Protocol = AppProtocol.Tcp }] },
        ],
        Edges =
        [
            new EdgeModel { From = "web", To = "api", Endpoint = "http", Policies = WebToApi() },
            new EdgeModel { From = "web", To = "api", Endpoint = "grpc", Policies = new EdgePolicies { Retry = new RetryPolicy { GrpcCodes = [14] }, LoadBalancing = new LoadBalancingPolicy { Algorithm = LoadBalancingAlgorithm.RoundRobin } } },
            new EdgeModel { From = "web", To = "api-next", Endpoint = "http" },
            new EdgeModel { From = "batch", To = "api", Endpoint = "http" },
            new EdgeModel { From = "api", To = "db", Endpoint = "tcp", Policies = new EdgePolicies { TlsRoutes = [new TlsRoute { Name = "by-name", ServerNames = ["db.shop.example"] }] } },
            new EdgeModel { From = "api", To = "bank", Endpoint = "https" },
        ],
        ExternalServices = [new ExternalServiceModel { Name = "bank", Host = "bank.example", Port = 443, Tls = true }],
        Gateways =
        [
            new GatewayModel { Name = "public", Workload = "web", Endpoint = "http", Listen = "0.0.0.0:8080", Routes = [new GatewayRoute { Match = new RouteMatch { Path = new(StringMatchKind.Prefix, "/api") }, Workload = "api", Endpoint = "http" }] },
            new GatewayModel { Name = "secure", Workload = "db", Endpoint = "tcp", Listen = "0.0.0.0:8443", TlsRoutes = [new TlsRoute { Name = "database", ServerNames = ["db.shop.example", "*.db.shop.example"] }] },
        ],
        Faults =
        [
            new FaultRule { Id = "slow", From = "web", To = "api", Fault = new Fault { Kind = FaultKinds.Delay, Delay = TimeSpan.FromSeconds(2) }, Activation = new FaultActivation { Percent = 25 } },
            new FaultRule { Id = "cut", To = "db", Fault = new Fault { Kind = FaultKinds.Reset } },
        ],
    };

    public static MeshPlacement Placement { get; } = PlacementOf(Model);

    public static MeshPlacement PlacementOf(MeshModel model) => new()
    {
        Workloads = model.Workloads.ToImmutableSortedDictionary(w => w.Name, w => new WorkloadPlacement
        {
            Service = $"{w.Name}-service",
            ServiceAccount = w.Name,
            PodLabels = ImmutableSortedDictionary<string, string>.Empty.Add("app.kubernetes.io/component", w.Name),
            Ports = w.Endpoints.Select((e, i) => (e.Name, Port: 8080 + i)).ToImmutableSortedDictionary(e => e.Name, e => e.Port),
            Http2 = [.. w.Endpoints.Select(e => e.Name).Where(n => n == "grpc")],
        }),
    };

    private static EdgePolicies WebToApi() => new()
    {
        Timeouts = new TimeoutPolicy { Request = TimeSpan.FromSeconds(3), PerTry = TimeSpan.FromMilliseconds(800) },
        Retry = new RetryPolicy { MaxRetries = 3, NonIdempotentMethods = true, StatusCodes = [429] },
        Hedging = new HedgingPolicy(),
        LoadBalancing = new LoadBalancingPolicy { Algorithm = LoadBalancingAlgorithm.ConsistentHash, HashSource = HashSource.Header, HashName = "x-user" },
        HealthCheck = new HealthCheckPolicy { Path = "/health" },
        OutlierDetection = new OutlierDetectionPolicy { Consecutive5xx = 7 },
        CircuitBreaker = new CircuitBreakerPolicy(),
        Limits = new ConcurrencyPolicy { MaxConnections = 100, MaxPendingRequests = 50, MaxConcurrentRequests = 200 },
        Mirror = new MirrorPolicy { Workload = "api-next", Endpoint = "http", Percent = 5 },
        Routes =
        [
            new RoutePolicy
            {
                Name = "beta",
                Matches = [new RouteMatch { Path = new(StringMatchKind.Prefix, "/v2"), Methods = ["GET"], Headers = [new("x-beta", new(StringMatchKind.Exact, "yes"))], Query = [new("q", new(StringMatchKind.Regex, "[a-z]+"))] }],
                Split = [new TrafficSplitLeg { Subset = ImmutableDictionary<string, string>.Empty.Add("version", "v2"), Weight = 1 }],
                Rewrite = new RewriteAction { PrefixPath = "/" },
                RequestHeaders = new HeaderEdits { Set = ImmutableDictionary<string, string>.Empty.Add("x-stage", "beta"), Remove = ["x-secret"] },
                ResponseHeaders = new HeaderEdits { Add = ImmutableDictionary<string, string>.Empty.Add("x-served-by", "beta") },
                Cors = new CorsPolicy { Origins = ["https://shop.example"], Methods = ["GET"] },
                Timeouts = new TimeoutPolicy { Request = TimeSpan.FromSeconds(1) },
                Retry = new RetryPolicy { MaxRetries = 0 },
            },
            new RoutePolicy { Name = "moved", Matches = [new RouteMatch { Path = new(StringMatchKind.Exact, "/old") }], Redirect = new RedirectAction { Path = "/new", Status = 301 } },
            new RoutePolicy { Name = "tenant", Matches = [new RouteMatch { Baggage = [new("tenant", new(StringMatchKind.Exact, "gold"))] }] },
            new RoutePolicy
            {
                Name = "reports",
                Matches = [new RouteMatch { Path = new(StringMatchKind.Prefix, "/reports"), Methods = ["GET", "HEAD"] }],
                Rewrite = new RewriteAction { PrefixPath = "/r" },
                RequestHeaders = new HeaderEdits { Set = ImmutableDictionary<string, string>.Empty.Add("x-stage", "reports") },
            },
            new RoutePolicy
            {
                Name = "canary",
                Split = [new TrafficSplitLeg { Weight = 90 }, new TrafficSplitLeg { Workload = "api-next", Endpoint = "http", Weight = 10, RequestHeaders = new HeaderEdits { Set = ImmutableDictionary<string, string>.Empty.Add("x-stage", "next") } }],
            },
        ],
    };
}
