using System.Collections.Immutable;
using System.Text.Json.Nodes;
using AspireMesh.Hosting.Kubernetes.Rendering;
using AspireMesh.Protocol.Faults;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;

namespace AspireMesh.Hosting.Kubernetes.Tests.Rendering;

/// <summary>What is written for another mesh takes the requests that it takes here, is said to nobody that would refuse it, and does no more than was meant.</summary>
public class FaithfulnessTests
{
    private static readonly MeshBackend[] s_bySpecificity = [MeshBackend.GatewayApi, MeshBackend.IstioAmbient, MeshBackend.Linkerd, MeshBackend.Kuma];

    public static TheoryData<MeshBackend> BySpecificity => [.. s_bySpecificity];

    public static TheoryData<MeshBackend> Istios => [MeshBackend.Istio, MeshBackend.OpenShiftServiceMesh];

    [Theory]
    [MemberData(nameof(Istios))]
    public void A_redirect_of_Istios_stands_without_fault_mirror_and_rewrite_which_its_webhook_refuses_beside_it(MeshBackend backend)
    {
        var rendering = Render(backend, Pair(new RoutePolicy { Name = "moved", Matches = [Prefix("/old")], Redirect = new RedirectAction { PrefixPath = "/new" } }), faults: Delay("web", "api"));
        var routes = One(rendering, "VirtualService", "api")["spec"]!["http"]!.AsArray();
        var moved = routes.Where(r => r!["name"]!.GetValue<string>() == "moved").ToArray();
        Assert.Equal(["match", "name", "redirect"], moved.SelectMany(r => r!.AsObject().Select(f => f.Key)).Distinct().Order(StringComparer.Ordinal));
        // The path itself, and what is below it with a slash that the new prefix has to bring.
        Assert.Equal(["{\"exact\":\"/old\"} /new", "{\"prefix\":\"/old/\"} %PREFIX()%/new/"], moved.Select(r => $"{r!["match"]![0]!["uri"]!.ToJsonString()} {r["redirect"]!["uri"]}"));
        Assert.NotNull(routes.Single(r => r!["name"]!.GetValue<string>() == "web-http")!["fault"]);
    }

    [Theory]
    [InlineData("/v2", "/", "^(?:/v2)/?(.*)$", "/\\1")]
    [InlineData("/v2", "/v3", "^(?:/v2)(/.*)?$", "/v3\\1")]
    [InlineData("/a.b/", "/x/", "^(?:/a\\.b)(/.*)?$", "/x\\1")]
    public void A_prefix_means_whole_segments_in_Istio_and_a_rewrite_leaves_one_slash(string from, string to, string match, string rewrite)
    {
        var rendering = Render(MeshBackend.Istio, Pair(new RoutePolicy { Name = "r", Matches = [Prefix(from)], Rewrite = new RewriteAction { PrefixPath = to } }));
        var route = One(rendering, "VirtualService", "api")["spec"]!["http"]![0]!;
        Assert.Equal([$"{{\"exact\":\"{from.TrimEnd('/')}\"}}", $"{{\"prefix\":\"{from.TrimEnd('/')}/\"}}"], route["match"]!.AsArray().Select(m => m!["uri"]!.ToJsonString()));
        Assert.Equal((match, rewrite), (route["rewrite"]!["uriRegexRewrite"]!["match"]!.GetValue<string>(), route["rewrite"]!["uriRegexRewrite"]!["rewrite"]!.GetValue<string>()));
    }

    [Fact]
    public void A_prefix_means_whole_segments_in_Consul_with_a_route_for_each_way_to_match()
    {
        var rendering = Render(MeshBackend.Consul, Pair(new RoutePolicy { Name = "r", Matches = [Prefix("/v2"), Prefix("/v4")], Rewrite = new RewriteAction { PrefixPath = "/x" } }));
        var routes = One(rendering, "ServiceRouter", "api")["spec"]!["routes"]!.AsArray();
        Assert.Equal(
            ["{\"pathExact\":\"/v2\"} /x", "{\"pathPrefix\":\"/v2/\"} /x/", "{\"pathExact\":\"/v4\"} /x", "{\"pathPrefix\":\"/v4/\"} /x/"],
            routes.Take(4).Select(r => $"{r!["match"]!["http"]!.ToJsonString()} {r["destination"]!["prefixRewrite"]}"));
        Assert.Null(Assert.Single(routes.Skip(4))!["match"]);
    }

    [Theory]
    [MemberData(nameof(BySpecificity))]
    [InlineData(MeshBackend.Consul)]
    public void A_route_whose_condition_has_no_words_is_left_out_and_not_written_for_everybody(MeshBackend backend)
    {
        var gold = new RouteMatch { Baggage = [new("tenant", new(StringMatchKind.Exact, "gold"))] };
        var rendering = Render(backend, Pair(new RoutePolicy { Name = "tenant", Matches = [gold], RequestHeaders = new HeaderEdits { Set = ImmutableDictionary<string, string>.Empty.Add("x-tenant", "gold") } }));
        Assert.DoesNotContain(rendering.Objects, o => o.Body.ToJsonString().Contains("x-tenant", StringComparison.Ordinal) || o.Body.ToJsonString().Contains("[{}]", StringComparison.Ordinal) || o.Body.ToJsonString().Contains("\"http\":{}", StringComparison.Ordinal));
        Assert.All(rendering.Verdicts.Where(v => v.Item.Kind is PolicyKind.Route or PolicyKind.HeaderEdits), v => Assert.Equal(VerdictKind.Refused, v.Kind));
    }

    [Theory]
    [MemberData(nameof(BySpecificity))]
    public void Each_of_a_routes_methods_is_a_match_of_its_own(MeshBackend backend)
    {
        var rendering = Render(backend, Pair(new RoutePolicy { Name = "reads", Matches = [new RouteMatch { Methods = ["GET", "HEAD"] }] }));
        var text = string.Concat(rendering.Objects.Select(o => o.Body.ToJsonString()));
        Assert.Contains("\"matches\":[{\"method\":\"GET\"},{\"method\":\"HEAD\"}]", text, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(BySpecificity))]
    public void What_stands_behind_a_route_that_takes_everything_is_not_brought_to_life_by_a_mesh_that_picks_the_most_specific(MeshBackend backend)
    {
        var all = new RoutePolicy { Name = "all" };
        var never = new RoutePolicy { Name = "never", Matches = [Prefix("/never")] };
        var rendering = Render(backend, Pair(all, never));
        Assert.DoesNotContain(rendering.Objects, o => o.Body.ToJsonString().Contains("/never", StringComparison.Ordinal));
        var verdict = rendering.Verdicts.Single(v => v.Item.Kind == PolicyKind.Route && v.Item.Detail == "never");
        Assert.Equal(VerdictKind.Rendered, verdict.Kind);
        Assert.StartsWith("nothing to write", verdict.Reason);
    }

    [Fact]
    public void A_route_of_another_caller_is_not_an_edges()
    {
        var rendering = Render(MeshBackend.Istio, Pair(new RoutePolicy { Name = "others", Matches = [new RouteMatch { Path = new(StringMatchKind.Exact, "/x"), Callers = ["batch"] }] }, new RoutePolicy { Name = "own", Matches = [new RouteMatch { Path = new(StringMatchKind.Exact, "/y"), Callers = ["web"] }] }));
        Assert.Equal(["own", "web-http"], One(rendering, "VirtualService", "api")["spec"]!["http"]!.AsArray().Select(r => r!["name"]!.GetValue<string>()));
    }

    [Theory]
    [MemberData(nameof(BySpecificity))]
    public void A_route_that_goes_before_an_earlier_one_there_is_said_to(MeshBackend backend)
    {
        var rendering = Render(backend, Pair(new RoutePolicy { Name = "wide", Matches = [Prefix("/a")] }, new RoutePolicy { Name = "narrow", Matches = [Prefix("/a/b")] }, new RoutePolicy { Name = "elsewhere", Matches = [Prefix("/longer/than/all")] }));
        PolicyVerdict Of(string route) => rendering.Verdicts.Single(v => v.Item.Kind == PolicyKind.Route && v.Item.Detail == route);
        Assert.Equal([VerdictKind.Rendered, VerdictKind.Approximated, VerdictKind.Rendered], new[] { "wide", "narrow", "elsewhere" }.Select(r => Of(r).Kind));
        Assert.Contains("most specific", Of("narrow").Reason);
    }

    [Theory]
    [InlineData(MeshBackend.GatewayApi)]
    [InlineData(MeshBackend.IstioAmbient)]
    [InlineData(MeshBackend.Linkerd)]
    public void Every_rule_of_an_HTTPRoute_leads_somewhere_or_redirects(MeshBackend backend)
    {
        var rendering = MeshRenderers.Render(backend, SampleMesh.Model, SampleMesh.Placement);
        foreach (var route in rendering.Objects.Where(o => o.Kind == "HTTPRoute"))
        {
            // A rule with neither answers 500.
            Assert.All(route.Body["spec"]!["rules"]!.AsArray(), r => Assert.True(r!["backendRefs"] is JsonArray { Count: > 0 } ^ (r["filters"] as JsonArray ?? []).Any(f => f!["type"]!.GetValue<string>() == "RequestRedirect"), r.ToJsonString()));
        }
    }

    [Fact]
    public void Linkerd_is_given_no_limit_of_an_attempt_where_nothing_is_repeated_since_that_repeats_what_took_longer()
    {
        var timed = new EdgePolicies { Timeouts = new TimeoutPolicy { Request = TimeSpan.FromSeconds(4), PerTry = TimeSpan.FromSeconds(2) } };
        var quiet = Render(MeshBackend.Linkerd, Pair(timed));
        Assert.DoesNotContain("retry.linkerd.io", One(quiet, "HTTPRoute", "api-http").ToJsonString(), StringComparison.Ordinal);
        Assert.Equal(VerdictKind.Refused, quiet.Verdicts.Single(v => v.Item.Kind == PolicyKind.PerTryTimeout).Kind);

        var repeated = Render(MeshBackend.Linkerd, Pair(timed with { Retry = new RetryPolicy { NonIdempotentMethods = true } }));
        Assert.Equal("2s", One(repeated, "HTTPRoute", "api-http")["metadata"]!["annotations"]!["retry.linkerd.io/timeout"]!.GetValue<string>());
    }

    [Fact]
    public void Linkerd_reads_gRPC_codes_on_a_GRPCRoute_only()
    {
        var rendering = MeshRenderers.Render(MeshBackend.Linkerd, SampleMesh.Model, SampleMesh.Placement);
        Assert.Equal("unavailable", One(rendering, "GRPCRoute", "api-grpc")["metadata"]!["annotations"]!["retry.linkerd.io/grpc"]!.GetValue<string>());
        Assert.DoesNotContain(rendering.Objects, o => o.Kind == "HTTPRoute" && o.Body.ToJsonString().Contains("retry.linkerd.io/grpc", StringComparison.Ordinal));
    }

    [Fact]
    public void Consul_is_given_no_intentions_without_a_source_and_lets_callers_out_to_what_they_reference()
    {
        var rendering = MeshRenderers.Render(MeshBackend.Consul, SampleMesh.Model, SampleMesh.Placement);
        Assert.All(rendering.Objects.Where(o => o.Kind == "ServiceIntentions"), o => Assert.NotEmpty(o.Body["spec"]!["sources"]!.AsArray()));
        Assert.DoesNotContain(rendering.Objects, o => o is { Kind: "ServiceIntentions", Name: "web" });
        Assert.Equal("[{\"name\":\"api\",\"action\":\"allow\"}]", One(rendering, "ServiceIntentions", "bank")["spec"]!["sources"]!.ToJsonString());
    }

    [Fact]
    public void Kuma_lets_an_app_out_to_the_host_that_it_dials_and_nobody_else()
    {
        var rendering = MeshRenderers.Render(MeshBackend.Kuma, SampleMesh.Model, SampleMesh.Placement);
        Assert.Equal("{\"passthroughMode\":\"Matched\",\"appendMatch\":[{\"type\":\"Domain\",\"value\":\"bank.example\",\"port\":443,\"protocol\":\"tls\"}]}", One(rendering, "MeshPassthrough", "api-egress")["spec"]!["default"]!.ToJsonString());
        Assert.Equal("{\"passthroughMode\":\"None\"}", One(rendering, "MeshPassthrough", "web-egress")["spec"]!["default"]!.ToJsonString());
    }

    [Fact]
    public void App_Mesh_knows_a_service_by_the_name_that_clients_send_and_an_endpoint_by_its_own_edge()
    {
        var rendering = MeshRenderers.Render(MeshBackend.AppMesh, SampleMesh.Model, SampleMesh.Placement);
        Assert.Equal("api-service", One(rendering, "VirtualService", "api-service")["spec"]!["awsName"]!.GetValue<string>());
        var routes = One(rendering, "VirtualRouter", "api")["spec"]!["routes"]!.AsArray();
        Assert.Equal("[{\"virtualNodeRef\":{\"name\":\"api\"},\"port\":8080,\"weight\":90},{\"virtualNodeRef\":{\"name\":\"api-next\"},\"port\":8080,\"weight\":10}]", routes[0]!["httpRoute"]!["action"]!["weightedTargets"]!.ToJsonString());
        Assert.Equal("[{\"virtualNodeRef\":{\"name\":\"api\"},\"port\":8081,\"weight\":1}]", routes[1]!["http2Route"]!["action"]!["weightedTargets"]!.ToJsonString());
        Assert.Equal("bank.example", One(rendering, "VirtualService", "bank")["spec"]!["awsName"]!.GetValue<string>());
        Assert.Contains("\"bank\"", One(rendering, "VirtualNode", "api")["spec"]!["backends"]!.ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_off_here_is_no_one_in_App_Mesh_and_no_five_in_Consul()
    {
        var off = Pair(new EdgePolicies { OutlierDetection = new OutlierDetectionPolicy { Consecutive5xx = 0 }, Limits = new ConcurrencyPolicy { MaxPendingRequests = 5 } });
        var listener = One(Render(MeshBackend.AppMesh, off), "VirtualNode", "api")["spec"]!["listeners"]![0]!.AsObject();
        Assert.Equal(["portMapping"], listener.Select(f => f.Key));
        Assert.DoesNotContain("passiveHealthCheck", One(Render(MeshBackend.Consul, off), "ServiceDefaults", "web").ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_network_of_NSM_is_asked_for_by_name_since_its_matches_know_no_labels_of_pods()
    {
        var rendering = MeshRenderers.Render(MeshBackend.NetworkServiceMesh, SampleMesh.Model, SampleMesh.Placement);
        Assert.Equal("{\"payload\":\"IP\"}", rendering.Objects.Single(o => o.Kind == "NetworkService").Body["spec"]!.ToJsonString());
        Assert.Equal("true", rendering.Objects.Single(o => o.Kind == "Deployment").Body["spec"]!["template"]!["metadata"]!["labels"]!["spiffe.io/spiffe-id"]!.GetValue<string>());
    }

    [Theory]
    [InlineData(MeshBackend.Istio, "api-references", MtlsMode.Disabled)]
    [InlineData(MeshBackend.Istio, "api-references", MtlsMode.Permissive)]
    [InlineData(MeshBackend.IstioAmbient, "api-waypoint", MtlsMode.Permissive)]
    public void Short_of_strict_mTLS_who_has_no_identity_is_let_in_as_by_our_sidecars(MeshBackend backend, string policy, MtlsMode mode)
    {
        var open = SampleMesh.Model with { Workloads = [.. SampleMesh.Model.Workloads.Select(w => w with { Inbound = w.Inbound with { Authorization = [.. w.Inbound.Authorization.Where(r => r.Name != "admins")] } })] };
        JsonNode Rules(MeshModel model, MtlsMode m) => One(MeshRenderers.Render(backend, model with { Mtls = m }, SampleMesh.Placement), "AuthorizationPolicy", policy)["spec"]!["rules"]!;
        Assert.Contains("{\"from\":[{\"source\":{\"notPrincipals\":[\"*\"]}}]}", Rules(open, mode).ToJsonString(), StringComparison.Ordinal);
        Assert.DoesNotContain("notPrincipals", Rules(open, MtlsMode.Strict).ToJsonString(), StringComparison.Ordinal);
        // Where a rule lets someone do something, our sidecars demand to know who it is; where mTLS is off there is nobody who could.
        Assert.Equal(mode == MtlsMode.Disabled, Rules(SampleMesh.Model, mode).ToJsonString().Contains("notPrincipals", StringComparison.Ordinal));
    }

    [Fact]
    public void Istio_holds_one_delay_and_one_abort_of_an_HTTP_edge_and_the_rest_is_not_said_to_be_there()
    {
        FaultRule Abort(string id) => new() { Id = id, To = "api", Fault = new Fault { Kind = FaultKinds.Abort, Status = 503 } };
        var rendering = Render(MeshBackend.Istio, Pair(), faults: [.. Delay("web", "api"), Abort("first"), Abort("second"), .. Delay(null, "db")]);
        var fault = One(rendering, "VirtualService", "api")["spec"]!["http"]![0]!["fault"]!.AsObject();
        Assert.Equal(["abort", "delay"], fault.Select(f => f.Key).Order(StringComparer.Ordinal));
        Assert.Equal([VerdictKind.Approximated, VerdictKind.Approximated, VerdictKind.Refused, VerdictKind.Refused], rendering.Verdicts.Where(v => v.Item.Kind == PolicyKind.Fault).Select(v => v.Kind));
    }

    [Fact]
    public void Kuma_says_of_a_fault_on_TCP_that_it_is_not_there()
    {
        var rendering = Render(MeshBackend.Kuma, Pair(), faults: Delay(null, "db"));
        Assert.DoesNotContain(rendering.Objects, o => o.Kind == "MeshFaultInjection");
        Assert.Equal(VerdictKind.Refused, rendering.Verdicts.Single(v => v.Item.Kind == PolicyKind.Fault).Kind);
    }

    [Theory]
    [InlineData(MeshBackend.Istio, "\"mode\":\"SIMPLE\",\"credentialName\":\"public-tls\"")]
    [InlineData(MeshBackend.GatewayApi, "\"certificateRefs\":[{\"name\":\"public-tls\"}]")]
    [InlineData(MeshBackend.IstioAmbient, "\"certificateRefs\":[{\"name\":\"public-tls\"}]")]
    public void A_gateway_with_a_certificate_ends_TLS_with_one_of_the_clusters(MeshBackend backend, string expected)
    {
        // A chart's gateways come without what they end TLS with.
        var model = SampleMesh.Model with { Gateways = [.. SampleMesh.Model.Gateways.Select(g => g.Name == "public" ? g with { CertificatePem = "" } : g)] };
        var rendering = MeshRenderers.Render(backend, model, SampleMesh.Placement);
        Assert.Contains(expected, One(rendering, "Gateway", "public").ToJsonString(), StringComparison.Ordinal);
        Assert.Contains("public-tls", rendering.Verdicts.Single(v => v.Item.Kind == PolicyKind.Gateway).Reason);
    }

    [Theory]
    [InlineData(MeshBackend.GatewayApi)]
    [InlineData(MeshBackend.IstioAmbient)]
    [InlineData(MeshBackend.Istio)]
    public void A_gateways_routes_lead_where_they_say(MeshBackend backend)
    {
        var text = string.Concat(MeshRenderers.Render(backend, SampleMesh.Model, SampleMesh.Placement).Objects.Where(o => o.Name == "public-gateway").Select(o => o.Body.ToJsonString()));
        Assert.Contains("/api", text, StringComparison.Ordinal);
        Assert.Contains("\"api-service\"", text, StringComparison.Ordinal);
        Assert.Contains("\"web-service\"", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(MeshBackend.Istio, VerdictKind.Rendered)]
    [InlineData(MeshBackend.OpenShiftServiceMesh, VerdictKind.Rendered)]
    [InlineData(MeshBackend.GatewayApi, VerdictKind.Rendered)]
    [InlineData(MeshBackend.IstioAmbient, VerdictKind.Rendered)]
    [InlineData(MeshBackend.Linkerd, VerdictKind.Rendered)]
    [InlineData(MeshBackend.Consul, VerdictKind.Rendered)]
    [InlineData(MeshBackend.Kuma, VerdictKind.Refused)]
    public void Header_edits_of_a_leg_are_that_legs_alone(MeshBackend backend, VerdictKind verdict)
    {
        var leg = new TrafficSplitLeg { Workload = "next", Endpoint = "http", Weight = 1, RequestHeaders = new HeaderEdits { Set = ImmutableDictionary<string, string>.Empty.Add("x-stage", "next") } };
        var rendering = Render(backend, Pair(new RoutePolicy { Name = "canary", Split = [new TrafficSplitLeg { Weight = 9 }, leg] }));
        Assert.Equal(verdict, rendering.Verdicts.Single(v => v.Item.Kind == PolicyKind.LegHeaderEdits).Kind);
        Assert.Equal(verdict == VerdictKind.Rendered ? 1 : 0, rendering.Objects.Sum(o => o.Body.ToJsonString().Split("x-stage").Length - 1));
    }

    [Fact]
    public void TLS_is_led_by_server_name_where_the_mesh_can()
    {
        var istio = MeshRenderers.Render(MeshBackend.Istio, SampleMesh.Model, SampleMesh.Placement);
        Assert.Equal("[\"db-service\",\"db.shop.example\"]", One(istio, "VirtualService", "db")["spec"]!["hosts"]!.ToJsonString());
        Assert.Equal("{\"mode\":\"PASSTHROUGH\"}", One(istio, "Gateway", "secure")["spec"]!["servers"]![0]!["tls"]!.ToJsonString());
        var gateway = MeshRenderers.Render(MeshBackend.GatewayApi, SampleMesh.Model, SampleMesh.Placement);
        Assert.Equal("[\"db.shop.example\"]", One(gateway, "TLSRoute", "db-tcp-by-name")["spec"]!["hostnames"]!.ToJsonString());
        Assert.Equal("{\"mode\":\"Passthrough\"}", One(gateway, "Gateway", "secure")["spec"]!["listeners"]![0]!["tls"]!.ToJsonString());
        foreach (var rendering in new[] { istio, gateway }) Assert.All(rendering.Verdicts.Where(v => v.Item.Kind == PolicyKind.TlsRoute), v => Assert.Equal(VerdictKind.Rendered, v.Kind));

        // Every hello is nobody's name.
        var any = SampleMesh.Model with { Edges = [.. SampleMesh.Model.Edges.Select(e => e with { Policies = e.Policies with { TlsRoutes = [.. e.Policies.TlsRoutes.Select(r => r with { ServerNames = ["*"] })] } })] };
        foreach (var backend in new[] { MeshBackend.Istio, MeshBackend.GatewayApi })
        {
            var rendering = MeshRenderers.Render(backend, any, SampleMesh.Placement);
            Assert.Equal(VerdictKind.Refused, rendering.Verdicts.Single(v => v.Item is { Kind: PolicyKind.TlsRoute, Gateway: null }).Kind);
        }
    }

    private static RouteMatch Prefix(string path) => new() { Path = new(StringMatchKind.Prefix, path) };

    private static ImmutableArray<FaultRule> Delay(string? from, string to) => [new FaultRule { Id = $"slow-{to}", From = from, To = to, Fault = new Fault { Kind = FaultKinds.Delay, Delay = TimeSpan.FromSeconds(1) } }];

    private static MeshModel Pair(params ImmutableArray<RoutePolicy> routes) => Pair(new EdgePolicies { Routes = routes });

    /// <summary>web calls api, and api calls db over TCP.</summary>
    private static MeshModel Pair(EdgePolicies policies) => new()
    {
        Name = "pair",
        TrustDomain = "pair.mesh",
        Workloads =
        [
            new WorkloadModel { Name = "web" },
            new WorkloadModel { Name = "api", Endpoints = [new EndpointModel { Name = "http" }] },
            new WorkloadModel { Name = "next", Endpoints = [new EndpointModel { Name = "http" }] },
            new WorkloadModel { Name = "db", Endpoints = [new EndpointModel { Name = "tcp", Protocol = AppProtocol.Tcp }] },
        ],
        Edges = [new EdgeModel { From = "web", To = "api", Endpoint = "http", Policies = policies }, new EdgeModel { From = "api", To = "db", Endpoint = "tcp" }],
    };

    private static MeshRendering Render(MeshBackend backend, MeshModel model, ImmutableArray<FaultRule> faults = default) =>
        MeshRenderers.Render(backend, faults.IsDefault ? model : model with { ChaosEnabled = true, Faults = faults }, SampleMesh.PlacementOf(model));

    private static JsonObject One(MeshRendering rendering, string kind, string name) => (JsonObject)rendering.Objects.Single(o => o.Kind == kind && o.Name == name).Body;
}
