// Every policy of the mesh once, each on an edge or a workload of its own. The policies' tests start this AppHost and look at what each one does.
using System.Collections.Immutable;
using AspireMesh.Hosting.Kubernetes;
using AspireMesh.Protocol.Policies;

var builder = DistributedApplication.CreateBuilder(args);
builder.AddKubernetesEnvironment("k8s").WithDashboard(false);
var mesh = builder.AddServiceMesh().WithPolicyFile("policies.json").WithChaos();

// One process with an endpoint for each policy of the caller's side.
string[] endpoints =
[
    "default", "retry", "codes", "grpc", "post", "deadline", "pertry", "idle", "hedging", "breaker", "limits", "mirror",
    "split", "routes", "redirect", "rewrite", "headers", "cors", "queued", "filed", "tuned", "unhurried", "unkept", "thrifty",
];
var api = Service("api");
foreach (var endpoint in endpoints) api.WithHttpEndpoint(name: endpoint);
api.WithHttpEndpoint(name: "refused", env: "GRPC_PORT");
api.WithEndpoint(name: "tcp", scheme: "tcp", env: "TCP_PORT");
api.WithEndpoint(name: "tls", scheme: "tcp", env: "TLS_PORT");
var canary = Service("canary").WithEndpoint(name: "tls", scheme: "tcp", env: "TLS_PORT");

// Three replicas of two versions in two zones.
string[] balanced = ["turns", "hashed", "cookie", "query", "source", "random", "fewest", "warm", "subset", "near", "probed", "tcpprobed", "ejected", "rated", "slowed", "gatewayed", "broken"];
var many = Service("many").WithReplicas(3).WithMeshReplicas((s, i) => s with { Labels = s.Labels.Add("version", i == 0 ? "v2" : "v1").Add("zone", i == 1 ? "west" : "east") });
foreach (var endpoint in balanced) many.WithHttpEndpoint(name: endpoint);
many.WithHttpEndpoint(name: "grpcprobed", env: "GRPC_PORT");
many.WithEndpoint(name: "tcp", scheme: "tcp", env: "PID_PORT");

// Two replicas, one of which has three times the other's size.
var sized = Service("sized").WithReplicas(2).WithMeshReplicas((s, i) => s with { Weight = i == 0 ? 3 : 1 }).WithHttpEndpoint(name: "turns");

var caller = Service("caller").WithMeshLabels(("zone", "west")).WithReference(api).WithReference(many).WithReference(sized);

mesh.WithEdgeDefaults(p => p with { Timeouts = MeshDefaults.Timeouts with { Request = TimeSpan.FromSeconds(90) } });

// Resilience.
mesh.Edge(caller, api, "retry").WithRetry(4);
mesh.Edge(caller, api, "codes").WithRetry(r => r with { StatusCodes = [409] });
mesh.Edge(caller, api, "grpc").WithRetry(r => r with { GrpcCodes = [14] });
mesh.Edge(caller, api, "post").WithRetry(r => r with { NonIdempotentMethods = true });
mesh.Edge(caller, api, "refused").WithRetry(r => r with { Conditions = RetryConditions.RefusedStream });
mesh.Edge(caller, api, "unhurried").WithRetry(r => r with { HonourRetryAfter = false });
mesh.Edge(caller, api, "unkept").WithRetry(r => r with { NonIdempotentMethods = true, ReplayBytes = 10 });
mesh.Edge(caller, api, "thrifty").WithRetry(r => r with { BudgetRatio = 0, BudgetMinPerSecond = 0 });
mesh.Edge(caller, api, "deadline").WithTimeout(TimeSpan.FromMilliseconds(300));
mesh.Edge(caller, api, "pertry").WithTimeout(t => t with { PerTry = TimeSpan.FromSeconds(1) }).WithRetry(r => r with { MaxRetries = 10, Conditions = RetryConditions.PerTryTimeout });
mesh.Edge(caller, api, "idle").WithTimeout(t => t with { Idle = TimeSpan.FromSeconds(1) });
mesh.Edge(caller, api, "hedging").WithHedging(h => h with { Delay = TimeSpan.FromMilliseconds(50) });
mesh.Edge(caller, api, "breaker").WithoutRetry().WithCircuitBreaker(b => b with { MinimumThroughput = 2, Window = TimeSpan.FromMinutes(10), BreakDuration = TimeSpan.FromHours(1) });
mesh.Edge(caller, api, "limits").WithLimits(l => l with { MaxConcurrentRequests = 1 });
mesh.Edge(caller, api, "queued").WithLimits(l => l with { MaxConcurrentRequests = 1, MaxPendingRequests = 1 });
mesh.Edge(caller, api, "tcp").WithLimits(l => l with { MaxConnections = 1 });

// Shifting traffic.
mesh.Edge(caller, api, "mirror").WithMirror(canary);
mesh.Edge(caller, api, "split").WithTrafficSplit([new TrafficSplitLeg { Weight = 1 }, new TrafficSplitLeg { Workload = "canary", Endpoint = "http", Weight = 1 }]);
mesh.Edge(caller, api, "routes")
    .WithRoute(new RoutePolicy { Name = "beta", Matches = [new RouteMatch { Headers = [new("x-beta", new(StringMatchKind.Exact, "yes"))] }], Split = ToCanary() })
    .WithRoute(new RoutePolicy { Name = "query", Matches = [new RouteMatch { Query = [new("beta", new(StringMatchKind.Present, ""))] }], Split = ToCanary() })
    .WithRoute(new RoutePolicy { Name = "host", Matches = [new RouteMatch { Host = new(StringMatchKind.Exact, "beta.test") }], Split = ToCanary() })
    .WithRoute(new RoutePolicy { Name = "deletes", Matches = [new RouteMatch { Methods = ["DELETE"] }], Split = ToCanary() })
    .WithRoute(new RoutePolicy { Name = "baggage", Matches = [new RouteMatch { Baggage = [new("tenant", new(StringMatchKind.Exact, "beta"))] }], Split = ToCanary() })
    .WithRoute(new RoutePolicy { Name = "others", Matches = [new RouteMatch { Callers = ["canary"] }], Redirect = new RedirectAction { Host = "never.test" } })
    .WithRoute("path", "/who/beta", r => r with { Split = ToCanary(), Timeouts = MeshDefaults.Timeouts });
mesh.Edge(caller, api, "redirect").WithRoute("old", "/old", r => r with { Redirect = new RedirectAction { PrefixPath = "/new", Status = 308 } });
mesh.Edge(caller, api, "rewrite").WithRoute("v1", "/v1", r => r with { Rewrite = new RewriteAction { PrefixPath = "/request", Host = "renamed.test" } });
mesh.Edge(caller, api, "headers").WithRoute("all", "/", r => r with
{
    RequestHeaders = new HeaderEdits { Set = Named("x-set", "sidecar"), Add = Named("x-more", "added"), Remove = ["x-secret"] },
    ResponseHeaders = new HeaderEdits { Set = Named("x-answered", "through the mesh") },
});
mesh.Edge(caller, api, "cors").WithRoute("all", "/", r => r with { Cors = new CorsPolicy { Origins = ["https://shop.test"], Methods = ["GET"], MaxAge = TimeSpan.FromMinutes(1) } });
mesh.Edge(caller, api, "tuned").With(p => p with { Retry = MeshDefaults.Retry with { MaxRetries = 7 } });

// TLS that the apps end themselves, led by the name in its hello.
mesh.Edge(caller, api, "tls")
    .WithTlsRoute("own", ["api.test"])
    .WithTlsRoute("canary", ["*.canary.test"], new TrafficSplitLeg { Workload = "canary", Weight = 1 });

// Load balancing and health.
mesh.Edge(caller, many, "turns").WithLoadBalancing(LoadBalancingAlgorithm.RoundRobin);
mesh.Edge(caller, sized, "turns").WithLoadBalancing(LoadBalancingAlgorithm.RoundRobin);
mesh.Edge(caller, many, "random").WithLoadBalancing(LoadBalancingAlgorithm.Random);
mesh.Edge(caller, many, "fewest").WithLoadBalancing(LoadBalancingAlgorithm.LeastRequests);
// Three times the mean of three is everything: a key stays where it is, even while the sidecar has yet to notice that the request before has ended.
mesh.Edge(caller, many, "hashed").WithLoadBalancing(l => l with { Algorithm = LoadBalancingAlgorithm.ConsistentHash, HashSource = HashSource.Header, HashName = "x-user", HashBoundedLoad = 3 });
mesh.Edge(caller, many, "cookie").WithLoadBalancing(l => l with { Algorithm = LoadBalancingAlgorithm.ConsistentHash, HashSource = HashSource.Cookie, HashName = "user", HashBoundedLoad = 3 });
mesh.Edge(caller, many, "query").WithLoadBalancing(l => l with { Algorithm = LoadBalancingAlgorithm.ConsistentHash, HashSource = HashSource.Query, HashName = "user", HashBoundedLoad = 2 });
mesh.Edge(caller, many, "source").WithLoadBalancing(l => l with { Algorithm = LoadBalancingAlgorithm.ConsistentHash, HashSource = HashSource.Source, HashBoundedLoad = 3 });
mesh.Edge(caller, many, "tcp").WithLoadBalancing(l => l with { Algorithm = LoadBalancingAlgorithm.ConsistentHash, HashSource = HashSource.Source, HashBoundedLoad = 3 });
mesh.Edge(caller, many, "warm").WithLoadBalancing(l => l with { Algorithm = LoadBalancingAlgorithm.Random, SlowStart = TimeSpan.FromSeconds(1) });
mesh.Edge(caller, many, "subset").WithTrafficSplit([new TrafficSplitLeg { Subset = Named("version", "v2"), Weight = 1 }]);
mesh.Edge(caller, many, "near").WithLoadBalancing(l => l with { PreferLocalPercent = 50 });
mesh.Edge(caller, many, "probed").WithHealthCheck(h => h with { Path = "/unless/unready", Interval = TimeSpan.FromMilliseconds(200), Timeout = TimeSpan.FromSeconds(20), UnhealthyThreshold = 1 });
mesh.Edge(caller, many, "tcpprobed").WithHealthCheck(h => h with { Kind = HealthCheckKind.Tcp, Interval = TimeSpan.FromMilliseconds(200), Timeout = TimeSpan.FromSeconds(20) });
mesh.Edge(caller, many, "grpcprobed").WithLoadBalancing(LoadBalancingAlgorithm.RoundRobin)
    .WithHealthCheck(h => h with { Kind = HealthCheckKind.Grpc, Interval = TimeSpan.FromMilliseconds(200), Timeout = TimeSpan.FromSeconds(20), UnhealthyThreshold = 1 });
mesh.Edge(caller, many, "rated").WithoutRetry().WithLoadBalancing(LoadBalancingAlgorithm.RoundRobin)
    .WithOutlierDetection(o => o with { Consecutive5xx = 0, ConsecutiveGatewayErrors = 0, SuccessRateThreshold = 0.9, MinimumRequests = 3, Interval = TimeSpan.FromMilliseconds(500), PanicThresholdPercent = 0 });
mesh.Edge(caller, many, "slowed").WithoutRetry().WithLoadBalancing(LoadBalancingAlgorithm.RoundRobin)
    .WithOutlierDetection(o => o with { LatencyFactor = 5, MinimumRequests = 2, Interval = TimeSpan.FromSeconds(3), MaxEjectedPercent = 40 });
mesh.Edge(caller, many, "gatewayed").WithoutRetry().WithLoadBalancing(LoadBalancingAlgorithm.RoundRobin)
    .WithOutlierDetection(o => o with { Consecutive5xx = 0, ConsecutiveGatewayErrors = 1, ConsecutiveLocalFailures = 0, BaseEjection = TimeSpan.FromMinutes(30), MaxEjection = TimeSpan.FromHours(1) });
mesh.Edge(caller, many, "broken").WithoutRetry().WithLoadBalancing(LoadBalancingAlgorithm.RoundRobin)
    .WithOutlierDetection(o => o with { Consecutive5xx = 0, ConsecutiveGatewayErrors = 0, ConsecutiveLocalFailures = 1, BaseEjection = TimeSpan.FromMinutes(30), MaxEjection = TimeSpan.FromHours(1) });
mesh.Edge(caller, many, "ejected").WithoutRetry().WithLoadBalancing(LoadBalancingAlgorithm.RoundRobin)
    .WithOutlierDetection(o => o with { Consecutive5xx = 1, BaseEjection = TimeSpan.FromMinutes(30), MaxEjection = TimeSpan.FromHours(1) });

// The callee's side. Tokens are those of a test's own issuer; without one the key is the example of RFC 7515 A.3.
var jwks = builder.Configuration["Policies:Jwks"] ?? """{"keys":[{"kty":"EC","crv":"P-256","kid":"k1","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}""";
var guarded = Service("guarded")
    .AllowFrom(caller, new RouteMatch { Path = new(StringMatchKind.Prefix, "/who"), Methods = ["GET"] }, new RouteMatch { Path = new(StringMatchKind.Prefix, "/request") })
    .AllowFrom(caller, new RouteMatch { GrpcService = "shop.Orders", GrpcMethod = "Place" })
    .DenyFrom(caller, new RouteMatch { Headers = [new("x-banned", new(StringMatchKind.Present, ""))] })
    .WithMeshIdentityHeader();
var audited = Service("audited").DenyFrom(caller, new RouteMatch { Path = new(StringMatchKind.Exact, "/who/secret") }).WithAuthorizationAudit();
var limited = Service("limited").WithRateLimit(new RateLimitPolicy { Name = "by-user", PerSecond = 0.001, Burst = 2, Key = RateLimitKey.Header, Header = "x-user" });
var percaller = Service("percaller").WithRateLimit(0.001, burst: 1, RateLimitKey.Caller);
var shed = Service("shed").WithLoadShedding(s => s with { MinConcurrency = 1, MaxConcurrency = 1 });
var tokens = Service("tokens")
    .WithJwt(new JwtPolicy { Issuer = "https://issuer.test", Audiences = ["shop"], Jwks = jwks })
    .WithAuthorization(new AuthorizationRule { Name = "buyers", Callers = ["caller"], Claims = [new("role", new(StringMatchKind.Exact, "buyer"))] });
caller.WithReference(guarded).WithReference(audited).WithReference(limited).WithReference(percaller).WithReference(shed).WithReference(tokens);

// The way in, and the way out.
mesh.Gateway(caller, name: "door", configure: g => g with
{
    Routes =
    [
        new() { Match = new RouteMatch { Host = new(StringMatchKind.Exact, "guarded.test") }, Workload = "guarded", Endpoint = "http" },
        new() { Match = new RouteMatch { Path = new(StringMatchKind.Prefix, "/who/api") }, Workload = "api", Endpoint = "default" },
    ],
    RateLimits = [new RateLimitPolicy { Name = "door", PerSecond = 0.001, Burst = 1, Matches = [new RouteMatch { Path = new(StringMatchKind.Exact, "/who/limited") }] }],
});

// The same way in over TLS, for those who have a token.
mesh.Gateway(caller, name: "vault", tls: true, configure: g => g with { Jwt = new JwtPolicy { Issuer = "https://issuer.test", Audiences = ["shop"], Jwks = jwks } });

// And without the TLS being ended at all.
mesh.Gateway(caller, name: "passage", tls: false, configure: g => g with { TlsRoutes = [new TlsRoute { Name = "api", ServerNames = ["api.test"], Split = [new TrafficSplitLeg { Workload = "api", Endpoint = "tls", Weight = 1 }] }] });

// What leaves the mesh is declared, or refused.
mesh.WithoutUndeclaredEgress();
caller.WithEnvironment("OUTSIDE", "http://undeclared.test");
guarded.WithEnvironment("HTTP_PROXY", "http://proxy.test:3128").WithEnvironment("OUTSIDE", "http://undeclared.test");
var partner = builder.AddExternalService("partner", builder.AddParameter("partner-url", builder.Configuration["Policies:Partner"] ?? "https://partner.test/"));
if (builder.Configuration["Policies:PartnerRoots"] is { } roots) partner.WithTrustedRoots(roots);
caller.WithReference(partner);
mesh.Edge(caller, partner).WithRetry(1);

// And published as well (`--Mesh:PublishTo=Istio`): each policy is rendered, or the report says why not.
mesh.PublishMeshTo(MeshBackend.AspireMesh);

builder.Build().Run();

IResourceBuilder<ProjectResource> Service(string name) =>
    builder.AddProject<Projects.AspireMesh_Hosting_TestApp>(name, o => o.ExcludeLaunchProfile = true).WithEnvironment("NAME", name).WithHttpEndpoint().WithHttpHealthCheck("/health");

static ImmutableArray<TrafficSplitLeg> ToCanary() => [new TrafficSplitLeg { Workload = "canary", Endpoint = "http", Weight = 1 }];

static ImmutableDictionary<string, string> Named(string name, string value) => ImmutableDictionary<string, string>.Empty.Add(name, value);
