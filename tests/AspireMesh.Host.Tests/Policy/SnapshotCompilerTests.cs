using System.Collections.Immutable;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using AspireMesh.Host.Policy;
using AspireMesh.Host.Registry;
using AspireMesh.Protocol;
using AspireMesh.Protocol.Faults;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;
using AspireMesh.Protocol.Snapshot;

namespace AspireMesh.Host.Tests.Policy;

/// <summary>Whole snapshots against files that were read by a person. To accept a change, copy what the failure's message names over the expected file.</summary>
public class SnapshotCompilerTests
{
    private static readonly JsonSerializerOptions Readable = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private static ImmutableDictionary<string, string> V2 => ImmutableDictionary<string, string>.Empty.Add("version", "v2");

    [Fact]
    public void A_caller_gets_every_default_written_out() => Matches("web-with-defaults", Compile(Meshes.Shop, "web"));

    [Fact]
    public void A_caller_knows_every_http_address_of_the_callees_app()
    {
        var input = Input(Meshes.Shop.WithWorkload("api", w => w with { Endpoints = w.Endpoints.Add(new EndpointModel { Name = "https", AppTls = true }) })) with
        {
            AppAddresses = ImmutableDictionary<(string, string), string>.Empty.Add(("api", "https"), "localhost:5001").Add(("api", "http"), "localhost:5000").Add(("web", "http"), "localhost:6000"),
        };

        Assert.Equal(["localhost:5000", "localhost:5001"], SnapshotCompiler.Compile(input, "web")!.Clusters[0].AppAddresses);
    }

    [Fact]
    public void A_sidecars_weight_is_its_destinations_weight()
    {
        var model = Meshes.Shop.WithWorkload("api", w => w with { Sidecars = [w.Sidecars[0] with { Weight = 2.5 }] });
        Assert.Equal([2.5], Compile(model, "web").Clusters.Single(c => c.Workload == "api").Destinations.Select(d => d.Weight));
    }

    [Fact]
    public void A_callee_lets_in_whom_references_name() => Matches("api-with-address", SnapshotCompiler.Compile(Input(Meshes.Shop) with
    {
        AppAddresses = ImmutableDictionary<(string, string), string>.Empty.Add(("api", "http"), "127.0.0.1:5000").Add(("web", "http"), "127.0.0.1:6000"),
    }, "api")!);

    [Fact]
    public void Splits_subsets_mirrors_and_matches_become_routes_and_clusters()
    {
        var model = (Meshes.Shop with { Workloads = Meshes.Shop.Workloads.Add(Meshes.Workload("shadow", 1300, new EndpointModel { Name = "http" })) })
            .WithWorkload("api", w => w with
            {
                Labels = w.Labels.Add("version", "v1").Add("zone", "a"),
                Sidecars =
                [
                    new SidecarModel { Instance = "api-0", Inbound = "127.0.0.1:1100", Admin = "127.0.0.1:1101" },
                    new SidecarModel { Instance = "api-1", Inbound = "127.0.0.1:1102", Admin = "127.0.0.1:1103", Labels = V2 },
                ],
            })
            .WithEdge("api", "cache", e => e with { Listen = ImmutableDictionary<string, string>.Empty.Add("api-0", "127.0.0.1:1110").Add("api-1", "127.0.0.1:1111") })
            .WithEdge("web", "api", e => e with
            {
                Policies = new EdgePolicies
                {
                    Mirror = new MirrorPolicy { Workload = "shadow", Endpoint = "http", Percent = 10 },
                    CircuitBreaker = new CircuitBreakerPolicy(),
                    Routes =
                    [
                        new RoutePolicy { Name = "old", Matches = [new RouteMatch { Path = new StringMatch(StringMatchKind.Prefix, "/old") }], Redirect = new RedirectAction { PrefixPath = "/new", Status = 301 } },
                        new RoutePolicy { Name = "others", Matches = [new RouteMatch { Callers = ["api"] }] },
                        new RoutePolicy { Name = "canary", Split = [new TrafficSplitLeg { Weight = 90 }, new TrafficSplitLeg { Weight = 10, Subset = V2 }] },
                    ],
                },
            });

        Matches("web-with-routes", Compile(model, "web"));
    }

    [Fact]
    public void A_gateway_stands_on_the_first_sidecar_and_lets_its_own_workload_in()
    {
        var model = Meshes.Shop with
        {
            Gateways =
            [
                new GatewayModel
                {
                    Name = "front",
                    Workload = "web",
                    Endpoint = "http",
                    Listen = "127.0.0.1:1020",
                    Routes = [new GatewayRoute { Match = new RouteMatch { Path = new StringMatch(StringMatchKind.Prefix, "/api") }, Workload = "api", Endpoint = "http" }],
                },
            ],
        };

        Matches("web-with-gateway", Compile(model, "web"));
    }

    [Fact]
    public void External_services_become_clusters_outside_the_mesh()
    {
        var model = Meshes.Shop with
        {
            ExternalServices = [new ExternalServiceModel { Name = "bank", Host = "bank.example", Port = 443, Tls = true }],
            Edges = [Meshes.Edge("web", "bank", "https", 1040)],
        };

        Matches("web-with-external", Compile(model, "web"));
    }

    [Fact]
    public void Watched_egress_becomes_a_forward_proxy_with_the_services_that_the_workload_refers_to()
    {
        var model = Meshes.Shop with
        {
            UndeclaredEgress = EgressMode.Refuse,
            ExternalServices =
            [
                new ExternalServiceModel { Name = "bank", Host = "bank.example", Port = 443, Tls = true },
                new ExternalServiceModel { Name = "other", Host = "other.example", Port = 80 },
            ],
            Edges = [.. Meshes.Shop.Edges, Meshes.Edge("web", "bank", "https", 1040), Meshes.Edge("api", "other", "http", 1140)],
            Workloads = [.. Meshes.Shop.Workloads.Select((w, i) => w with { Sidecars = [w.Sidecars[0] with { Egress = $"127.0.0.1:{1500 + i}" }] })],
        };
        Assert.Empty(ModelChecks.Run(model));

        Matches("web-with-egress", Compile(model, "web"));
        Assert.Null(Compile(model with { UndeclaredEgress = EgressMode.Unwatched }, "web").Egress);
    }

    [Fact]
    public void A_forward_proxy_that_others_can_reach_takes_its_own_apps_connections_only()
    {
        var model = Meshes.Shop with
        {
            UndeclaredEgress = EgressMode.Refuse,
            Workloads = [.. Meshes.Shop.Workloads.Select((w, i) => w with { Sidecars = [w.Sidecars[0] with { Egress = $"172.17.0.1:{1500 + i}" }] })],
        };

        Assert.Equal([], Compile(model, "web").Egress!.TakesFrom);
        var known = Input(model) with { CallerAddresses = ImmutableDictionary<string, ImmutableArray<string>>.Empty.Add("web", ["172.17.0.9"]) };
        Assert.Equal(["172.17.0.9"], SnapshotCompiler.Compile(known, "web")!.Egress!.TakesFrom);
    }

    [Fact]
    public void Tls_routes_lead_by_server_name_and_let_their_callers_in()
    {
        var model = Meshes.Shop.WithEdge("api", "cache", e => e with
        {
            Policies = new EdgePolicies { TlsRoutes = [new TlsRoute { Name = "own", ServerNames = ["cache.test"] }, new TlsRoute { Name = "vault", ServerNames = ["*.vault.test"], Split = [new TrafficSplitLeg { Workload = "vault", Weight = 1 }] }] },
        });
        model = model with
        {
            Workloads = [.. model.Workloads, Meshes.Workload("vault", 1300, new EndpointModel { Name = "tcp", Protocol = AppProtocol.Tcp })],
            Gateways = [new GatewayModel { Name = "passage", Workload = "api", Endpoint = "http", Listen = "127.0.0.1:1444", TlsRoutes = [new TlsRoute { Name = "cache", ServerNames = ["*"], Split = [new TrafficSplitLeg { Workload = "cache", Endpoint = "tcp", Weight = 1 }] }] }],
        };
        Assert.Empty(ModelChecks.Run(model));

        var api = Compile(model, "api");

        Assert.Equal(["tls-routes/1"], api.Requires);
        var listener = Assert.Single(api.Outbound);
        Assert.Null(listener.Cluster);
        Assert.Equal(["own cache.test cache.tcp", "vault *.vault.test vault.tcp"], listener.TlsRoutes.Select(r => $"{r.Name} {string.Join(',', r.ServerNames)} {string.Join(',', r.Clusters.Select(c => c.Cluster))}"));
        Assert.Equal("cache.tcp", Assert.Single(Assert.Single(Assert.Single(api.Gateways).TlsRoutes).Clusters).Cluster);
        Assert.Contains(Compile(model, "vault").Inbound.Endpoints[0].Authorization, r => r.Name == "reference:api");
    }

    [Fact]
    public void A_rule_for_certain_requests_stands_in_place_of_its_callers_reference()
    {
        var model = Meshes.Shop.WithWorkload("api", w => w with
        {
            Inbound = new InboundPolicies
            {
                Authorization = [new AuthorizationRule { Name = "read only", Callers = ["web"], Requests = [new RouteMatch { Methods = ["GET"] }] }],
            },
        });

        var endpoint = Compile(model, "api").Inbound.Endpoints[0];

        var rule = Assert.Single(endpoint.Authorization);
        Assert.Equal(("read only", "spiffe://shop.mesh/ns/default/sa/web"), (rule.Name, rule.Callers[0]));
        Assert.True(endpoint.WorksOnRequests);
    }

    [Fact]
    public void Nobody_has_a_way_to_a_workload_without_references()
    {
        Assert.Empty(Compile(Meshes.Shop, "web").Inbound.Endpoints[0].Authorization);
    }

    public static TheoryData<string, InboundPolicies> OnRequests => new()
    {
        { "jwt", new InboundPolicies { Jwt = new JwtPolicy { Issuer = "x", JwksUri = "https://keys.example/jwks" } } },
        { "limit", new InboundPolicies { RateLimits = [new RateLimitPolicy { Name = "l", PerSecond = 1 }] } },
        { "shedding", new InboundPolicies { LoadShedding = new LoadSheddingPolicy() } },
        { "header", new InboundPolicies { IdentityHeader = true } },
        { "spans", new InboundPolicies { Spans = true } },
    };

    [Theory]
    [MemberData(nameof(OnRequests))]
    public void Inbound_works_on_requests_only_where_a_policy_needs_it(string policy, InboundPolicies inbound)
    {
        Assert.NotEmpty(policy);
        Assert.False(Compile(Meshes.Shop, "api").Inbound.Endpoints[0].WorksOnRequests);
        Assert.True(Compile(Meshes.Shop.WithWorkload("api", w => w with { Inbound = inbound }), "api").Inbound.Endpoints[0].WorksOnRequests);
    }

    [Fact]
    public void Faults_go_to_the_side_that_executes_them_and_only_where_they_can_fire()
    {
        var abort = new Fault { Kind = FaultKinds.Abort, Status = 503 };
        var input = Input(Meshes.Shop with { ChaosEnabled = true }) with
        {
            Faults =
            [
                new FaultRule { Id = "b", To = "api", Fault = abort },
                new FaultRule { Id = "a", From = "web", Fault = abort },
                new FaultRule { Id = "in", To = "api", Side = FaultSide.Inbound, Fault = abort },
                new FaultRule { Id = "any", Fault = abort, Order = -1 },
            ],
        };

        Assert.Equal(["any", "a", "b"], SnapshotCompiler.Compile(input, "web")!.Faults.Select(f => f.Id));
        Assert.Equal(["any", "in"], SnapshotCompiler.Compile(input, "api")!.Faults.Select(f => f.Id));
        Assert.Empty(SnapshotCompiler.Compile(input, "cache")!.Faults);
        Assert.True(SnapshotCompiler.Compile(input, "api")!.Inbound.Endpoints[0].WorksOnRequests);
        Assert.Empty(SnapshotCompiler.Compile(input with { Index = new ModelIndex(Meshes.Shop) }, "web")!.Faults);
    }

    [Theory]
    [InlineData("web")]
    [InlineData("api")]
    [InlineData("cache")]
    public void Where_chaos_is_allowed_but_no_fault_is_set_a_sidecar_is_told_what_it_is_told_without(string instance)
    {
        var without = SnapshotCompiler.Compile(Input(Meshes.Shop), instance)!;
        var with = SnapshotCompiler.Compile(Input(Meshes.Shop with { ChaosEnabled = true }), instance)!;
        Assert.Equal(JsonSerializer.Serialize(without, MeshJson.Default.MeshSnapshot), JsonSerializer.Serialize(with, MeshJson.Default.MeshSnapshot));
        var faulty = SnapshotCompiler.Compile(Input(Meshes.Shop with { ChaosEnabled = true }) with { Faults = [new FaultRule { Id = "any", Fault = new Fault { Kind = FaultKinds.ControlSlow } }] }, instance)!;
        Assert.NotEqual(JsonSerializer.Serialize(without, MeshJson.Default.MeshSnapshot), JsonSerializer.Serialize(faulty, MeshJson.Default.MeshSnapshot));
    }

    [Fact]
    public void Without_mtls_callers_go_to_the_apps_own_ports()
    {
        var input = Input(Meshes.Shop with { Mtls = MtlsMode.Disabled }) with
        {
            AppAddresses = ImmutableDictionary<(string, string), string>.Empty.Add(("api", "http"), "127.0.0.1:5000"),
        };

        var cluster = SnapshotCompiler.Compile(input, "web")!.Clusters[0];

        Assert.Equal((ClusterKind.Plain, null, "127.0.0.1:5000"), (cluster.Kind, cluster.ExpectedIdentity, cluster.Destinations[0].Address));
    }

    [Fact]
    public void A_snapshot_has_only_what_its_sidecar_can_reach()
    {
        var snapshot = Compile(Meshes.Shop, "cache");

        Assert.Empty(snapshot.Outbound);
        Assert.Empty(snapshot.Clusters);
        Assert.Equal("reference:api", Assert.Single(snapshot.Inbound.Endpoints[0].Authorization).Name);
    }

    private static CompileInput Input(MeshModel model)
    {
        Assert.Empty(ModelChecks.Run(model));
        return new CompileInput { Index = new ModelIndex(model), TrustBundle = ["(root)"], Faults = model.Faults };
    }

    private static MeshSnapshot Compile(MeshModel model, string instance) => SnapshotCompiler.Compile(Input(model), instance)!;

    private static void Matches(string name, MeshSnapshot snapshot)
    {
        var actual = JsonSerializer.Serialize(snapshot, Readable).ReplaceLineEndings("\n") + "\n";
        var expectedFile = Path.Combine(AppContext.BaseDirectory, "Policy", "Expected", $"{name}.json");
        var expected = File.Exists(expectedFile) ? File.ReadAllText(expectedFile).ReplaceLineEndings("\n") : "";
        if (actual == expected) return;
        var received = Path.Combine(AppContext.BaseDirectory, $"{name}.received.json");
        File.WriteAllText(received, actual);
        Assert.Fail($"The snapshot differs from {expectedFile}; what was compiled is in {received}.");
    }
}
