using System.Collections.Immutable;
using AspireMesh.Host.Policy;
using AspireMesh.Protocol.Faults;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;
using AspireMesh.TestKit;

namespace AspireMesh.Host.Tests.Policy;

public class ModelChecksTests
{
    [Fact]
    public void A_good_model_has_no_problems() => Assert.Empty(ModelChecks.Run(Meshes.Shop));

    [Fact]
    public void All_problems_are_reported_at_once_each_with_what_was_found_and_the_next_line()
    {
        var model = (Meshes.Shop with { TrustDomain = "Shop", SvidLifetime = TimeSpan.FromDays(90) })
            .WithEdge("web", "api", e => e with
            {
                Policies = new EdgePolicies
                {
                    Retry = new RetryPolicy { MaxRetries = 11, BudgetRatio = double.NaN },
                    Timeouts = new TimeoutPolicy { Request = TimeSpan.FromSeconds(1), PerTry = TimeSpan.FromSeconds(2) },
                    Routes = [new RoutePolicy { Name = "a", Split = [new TrafficSplitLeg { Weight = 0 }], Matches = [new RouteMatch { Path = new StringMatch(StringMatchKind.Regex, "(a") }] }],
                },
            })
            .WithEdge("api", "cache", e => e with { Policies = new EdgePolicies { Retry = new RetryPolicy() } });

        Assert.Equal(
            [
                "Mesh 'shop': the trust domain 'Shop' has the character 'S'; allowed are a-z, 0-9, '.', '-' and '_'. Write .WithTrustDomain(\"shop.mesh\"). [MESH0001]",
                "Mesh 'shop': SvidLifetime is 7776000 s. Set it to a time from 2 s to 2592000 s. [MESH0009]",
                "Edge 'web' → 'api.http': Timeouts.PerTry is longer than Timeouts.Request, so it never applies. Make it shorter, or leave it out. [MESH0010]",
                "Edge 'web' → 'api.http': Retry.MaxRetries is 11. Set it to a value from 0 to 10. [MESH0009]",
                "Edge 'web' → 'api.http': Retry.BudgetRatio is NaN. Set it to a value from 0 to 1. [MESH0009]",
                "Edge 'web' → 'api.http', route 'a': path: the regular expression '(a' cannot be used (Invalid pattern '(a' at offset 2. Not enough )'s.). Correct it. [MESH0012]",
                "Edge 'web' → 'api.http', route 'a': all weights of the traffic split are 0. Give at least one leg a weight above 0. [MESH0011]",
                "Edge 'api' → 'cache.tcp' carries opaque TCP, which Retry cannot work on. Leave it out, or make the endpoint an http one. [MESH0010]",
            ],
            ModelChecks.Run(model).Select(p => p.ToString()));
    }

    public static TheoryData<string, string, MeshModel> Broken => new()
    {
        { "MESH0002", "'a b'", Meshes.Shop with { Workloads = Meshes.Shop.Workloads.Add(Meshes.Workload("a b", 1300)) } },
        { "MESH0002", "control plane's own", Meshes.Shop with { Workloads = Meshes.Shop.Workloads.Add(Meshes.Workload("aspiremesh-control-plane", 1300)) } },
        { "MESH0003", "'web' is there 2 times", Meshes.Shop with { Workloads = Meshes.Shop.Workloads.Add(Meshes.Workload("web", 1300)) } },
        { "MESH0003", "is there 2 times. Leave one.", Meshes.Shop with { Edges = Meshes.Shop.Edges.Add(Meshes.Edge("web", "api", "http", 1333)) } },
        { "MESH0004", "Did you mean 'api'?", Meshes.Shop with { Edges = Meshes.Shop.Edges.Add(Meshes.Edge("web", "API", "http", 1333)) } },
        { "MESH0005", "It has: http.", Meshes.Shop with { Edges = Meshes.Shop.Edges.Add(Meshes.Edge("web", "api", "grpc", 1333)) } },
        { "MESH0006", "'nowhere'", Meshes.Shop.WithWorkload("api", w => w with { Sidecars = [w.Sidecars[0] with { Inbound = "nowhere" }] }) },
        { "MESH0006", "'127.0.0.1:0'", Meshes.Shop.WithWorkload("api", w => w with { Sidecars = [w.Sidecars[0] with { Inbound = "127.0.0.1:0" }] }) },
        { "MESH0007", "wants 127.0.0.1:1000", Meshes.Shop.WithWorkload("api", w => w with { Sidecars = [w.Sidecars[0] with { Admin = "127.0.0.1:1000" }] }) },
        { "MESH0007", "wants 0.0.0.0:1000", Meshes.Shop.WithWorkload("api", w => w with { Sidecars = [w.Sidecars[0] with { Admin = "0.0.0.0:1000" }] }) },
        { "MESH0008", "has no sidecar", Meshes.Shop.WithWorkload("cache", w => w with { Sidecars = [] }) },
        { "MESH0008", "Listen an entry for 'web'", Meshes.Shop.WithEdge("web", "api", e => e with { Listen = ImmutableDictionary<string, string>.Empty }) },
        { "MESH0013", "exactly one place", Meshes.Shop.WithWorkload("api", w => w with { Inbound = new InboundPolicies { Jwt = new JwtPolicy { Issuer = "x" } } }) },
        { "MESH0013", "Write an https URL", Meshes.Shop.WithWorkload("api", w => w with { Inbound = new InboundPolicies { Jwt = new JwtPolicy { Issuer = "x", JwksUri = "http://bank.example/keys" } } }) },
        { "MESH0010", "which a JWT policy cannot work on", Meshes.Shop.WithWorkload("cache", w => w with { Inbound = new InboundPolicies { Jwt = new JwtPolicy { Issuer = "x", Jwks = "{\"keys\":[]}" } } }) },
        { "MESH0010", "no token is validated", Meshes.Shop.WithWorkload("api", w => w with { Inbound = new InboundPolicies { Authorization = [new AuthorizationRule { Name = "r", Claims = [new NamedMatch("role", new StringMatch(StringMatchKind.Exact, "x"))] }] } }) },
        { "MESH0004", "'nobody'", Meshes.Shop.WithWorkload("api", w => w with { Inbound = new InboundPolicies { Authorization = [new AuthorizationRule { Name = "r", Callers = ["nobody"] }] } }) },
        { "MESH0002", "'spiffe://Bad/x'", Meshes.Shop.WithWorkload("api", w => w with { Inbound = new InboundPolicies { Authorization = [new AuthorizationRule { Name = "r", Callers = ["spiffe://Bad/x"] }] } }) },
        { "MESH0014", "version=v2", Meshes.Shop.WithEdge("web", "api", e => e with { Policies = new EdgePolicies { Routes = [new RoutePolicy { Name = "r", Split = [new TrafficSplitLeg { Weight = 1, Subset = ImmutableDictionary<string, string>.Empty.Add("version", "v2") }] }] } }) },
        { "MESH0015", "has no reference to it", Meshes.Shop with { Gateways = [new GatewayModel { Name = "front", Workload = "web", Endpoint = "http", Listen = "127.0.0.1:1444", Routes = [new GatewayRoute { Match = new RouteMatch(), Workload = "cache", Endpoint = "tcp" }] }] } },
        { "MESH0010", "carries opaque TCP. A gateway works on HTTP", Meshes.Shop with { Gateways = [new GatewayModel { Name = "front", Workload = "cache", Endpoint = "tcp", Listen = "127.0.0.1:1444" }] } },
        { "MESH0017", "dotnet dev-certs", Meshes.Shop with { Gateways = [new GatewayModel { Name = "front", Workload = "web", Endpoint = "http", Listen = "127.0.0.1:1444", CertificatePem = "nonsense" }] } },
        { "MESH0008", "Set SidecarModel.Egress", Meshes.Shop with { UndeclaredEgress = EgressMode.Refuse } },
        { "MESH0007", "egress listener wants 127.0.0.1:1000", Meshes.Shop.WithWorkload("web", w => w with { Sidecars = [w.Sidecars[0] with { Egress = "127.0.0.1:1000" }] }) },
        { "MESH0010", "which MaxConcurrentRequests and MaxPendingRequests cannot work on", Meshes.Shop.WithEdge("api", "cache", e => e with { Policies = new EdgePolicies { Limits = new ConcurrencyPolicy { MaxConcurrentRequests = 5 } } }) },
        { "MESH0009", "'delete' matches nothing", Meshes.Shop.WithWorkload("api", w => w with { Inbound = new InboundPolicies { Authorization = [new AuthorizationRule { Name = "r", Action = AuthorizationAction.Deny, Requests = [new RouteMatch { Methods = ["delete"] }] }] } }) },
        { "MESH0010", "which TlsRoutes cannot work on", Meshes.Shop.WithEdge("web", "api", e => e with { Policies = new EdgePolicies { TlsRoutes = [Named("shop.test")] } }) },
        { "MESH0009", "it has no server name", OnCache(Named()) },
        { "MESH0009", "'Shop.Test' cannot stand", OnCache(Named("Shop.Test")) },
        { "MESH0009", "'10.0.0.1' cannot stand", OnCache(Named("10.0.0.1")) },
        { "MESH0009", "'a.*.test' cannot stand", OnCache(Named("a.*.test")) },
        { "MESH0010", "'shop.test' leads 2 ways", OnCache(Named("shop.test"), Named("shop.test") with { Name = "twice" }) },
        { "MESH0010", "leads to 'web.http', which carries HTTP", OnCache(Named("shop.test") with { Split = [new TrafficSplitLeg { Workload = "web", Endpoint = "http", Weight = 1 }] }) },
        { "MESH0011", "all weights are 0", OnCache(Named("shop.test") with { Split = [new TrafficSplitLeg { Weight = 0 }] }) },
        { "MESH0004", "'nobody'", OnCache(Named("shop.test") with { Split = [new TrafficSplitLeg { Workload = "nobody", Weight = 1 }] }) },
        { "MESH0010", "which a certificate cannot work with", Meshes.Shop with { Gateways = [Passage with { CertificatePem = "x" }] } },
        { "MESH0010", "which RateLimits cannot work with", Meshes.Shop with { Gateways = [Passage with { RateLimits = [new RateLimitPolicy { Name = "r", PerSecond = 1, Burst = 1 }] }] } },
        { "MESH0010", "passes TLS through to 'api.http'", Meshes.Shop with { Gateways = [Passage with { TlsRoutes = [Named("shop.test")] }] } },
        { "MESH0015", "has no reference to it", Meshes.Shop with { Gateways = [Passage with { Workload = "web", TlsRoutes = [Named("shop.test") with { Split = [new TrafficSplitLeg { Workload = "cache", Endpoint = "tcp", Weight = 1 }] }] }] } },
        { "MESH0600", ".WithChaos()", Meshes.Shop with { Faults = [Abort] } },
        { "MESH0601", "--abort 503", Meshes.Shop with { ChaosEnabled = true, Faults = [Abort with { Fault = new Fault { Kind = FaultKinds.Abort } }] } },
        { "MESH0009", "Percent is -1", Meshes.Shop with { ChaosEnabled = true, Faults = [Abort with { Activation = new FaultActivation { Percent = -1 } }] } },
    };

    private static GatewayModel Passage => new()
    {
        Name = "passage", Workload = "api", Endpoint = "http", Listen = "127.0.0.1:1444",
        TlsRoutes = [Named("shop.test") with { Split = [new TrafficSplitLeg { Workload = "cache", Endpoint = "tcp", Weight = 1 }] }],
    };

    private static TlsRoute Named(params string[] names) => new() { Name = "tls", ServerNames = [.. names] };

    private static MeshModel OnCache(params TlsRoute[] routes) => Meshes.Shop.WithEdge("api", "cache", e => e with { Policies = new EdgePolicies { TlsRoutes = [.. routes] } });

    [Theory]
    [MemberData(nameof(Broken))]
    public void A_broken_model_gets_exactly_its_problem(string id, string contains, MeshModel model)
    {
        var problems = ModelChecks.Run(model);

        Assert.Contains(problems, p => p.Id == id && p.Message.Contains(contains, StringComparison.Ordinal));
    }

    [Fact]
    public void Whatever_value_of_whatever_policy_lies_outside_its_range_the_model_is_refused()
    {
        var model = Meshes.Shop
            .WithEdge("web", "api", e => e with
            {
                Policies = new EdgePolicies
                {
                    Routes =
                    [
                        new RoutePolicy { Name = "moved", Matches = [FullPolicies.Match], Redirect = FullPolicies.Redirect, ResponseHeaders = FullPolicies.Edits },
                        new RoutePolicy
                        {
                            Name = "all", Matches = [FullPolicies.Match], Split = [new TrafficSplitLeg { Weight = 1 }], Cors = FullPolicies.Cors, RequestHeaders = FullPolicies.Edits,
                            Mirror = new MirrorPolicy { Workload = "api", Endpoint = "http" }, Timeouts = FullPolicies.Timeouts, Retry = FullPolicies.Retry, Hedging = FullPolicies.Hedging,
                        },
                    ],
                    Timeouts = FullPolicies.Timeouts, Retry = FullPolicies.Retry, Hedging = FullPolicies.Hedging, LoadBalancing = FullPolicies.LoadBalancing, HealthCheck = FullPolicies.HealthCheck,
                    OutlierDetection = FullPolicies.OutlierDetection, CircuitBreaker = FullPolicies.CircuitBreaker, Limits = FullPolicies.Limits, Mirror = new MirrorPolicy { Workload = "api", Endpoint = "http" },
                },
            })
            .WithEdge("api", "cache", e => e with { Policies = new EdgePolicies { TlsRoutes = [new TlsRoute { Name = "tls", ServerNames = ["a.test"], Split = [new TrafficSplitLeg { Weight = 1 }] }] } })
            .WithWorkload("api", w => w with
            {
                Inbound = new InboundPolicies { Authorization = [FullPolicies.Rule], Jwt = FullPolicies.Jwt, RateLimits = [FullPolicies.RateLimit], LoadShedding = FullPolicies.LoadShedding },
            });
        model = model with
        {
            Gateways = [new GatewayModel { Name = "front", Workload = "web", Endpoint = "http", Listen = "127.0.0.1:1444", Jwt = FullPolicies.Jwt, RateLimits = [FullPolicies.RateLimit], Routes = [new GatewayRoute { Match = FullPolicies.Match, Workload = "api", Endpoint = "http" }] }],
        };
        Assert.Empty(ModelChecks.Run(model));

        var copies = OutOfRange.Copies(model).ToArray();

        Assert.True(copies.Length > 150, $"only {copies.Length} values were found");
        Assert.Empty(copies.Where(c => ModelChecks.Run(c.Document).IsEmpty).Select(c => c.Place));
    }

    [Fact]
    public void Sidecars_on_different_machines_may_use_the_same_ports()
    {
        var model = Meshes.Shop with
        {
            Workloads =
            [
                .. Meshes.Shop.Workloads.Select((w, i) => w with { Sidecars = [new SidecarModel { Instance = w.Name, Inbound = $"10.0.0.{i + 1}:15006", Admin = "127.0.0.1:15000" }] }),
            ],
            Edges = [.. Meshes.Shop.Edges.Select(e => e with { Listen = ImmutableDictionary<string, string>.Empty.Add(e.From, "127.0.0.1:15001") })],
        };

        Assert.Empty(ModelChecks.Run(model));
    }

    private static FaultRule Abort => new() { Id = "f", From = "web", To = "api", Fault = new Fault { Kind = FaultKinds.Abort, Status = 503 } };
}
