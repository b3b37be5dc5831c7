using System.Net.Sockets;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;

namespace AspireMesh.Hosting.Tests.Planning;

public class MeshPlannerTests
{
    private readonly Planned _app = new();

    [Fact]
    public async Task A_reference_between_two_services_becomes_an_edge_between_two_sidecars()
    {
        var back = _app.Http("back");
        _app.Http("front").WithReference(back.GetEndpoint("http"));

        Equal("""
            workload back [http:http]
              back-sidecar is back in 127.0.0.1:9001 admin 127.0.0.1:9002
            workload front [http:http]
              front-sidecar is front in 127.0.0.1:9003 admin 127.0.0.1:9004
            edge front -> back.http as http://127.0.0.1:9005 at front=127.0.0.1:9005
            """, await _app.TextAsync());
    }

    [Fact]
    public async Task Where_egress_is_watched_every_sidecar_has_a_forward_proxy_and_who_only_calls_out_has_a_sidecar()
    {
        _app.Mesh().WithoutUndeclaredEgress();
        _app.Http("front");
        _app.Builder.AddExecutable("worker", "app", ".");

        Equal("""
            workload front [http:http]
              front-sidecar is front in 127.0.0.1:9001 admin 127.0.0.1:9002 egress 127.0.0.1:9003
            workload worker []
              worker-sidecar is worker in 127.0.0.1:9004 admin 127.0.0.1:9005 egress 127.0.0.1:9006
            """, await _app.TextAsync());
        Assert.Equal(EgressMode.Refuse, (await _app.PlanAsync()).Model.UndeclaredEgress);
    }

    [Fact]
    public async Task A_proxy_of_the_machines_own_stays_and_is_told_of()
    {
        _app.Mesh().WithUndeclaredEgress(EgressMode.Audit);
        _app.InheritedProxy = "HTTPS_PROXY";
        _app.Http("front");
        _app.Http("back");

        var plan = await _app.PlanAsync();

        Assert.All(plan.Workloads, w => Assert.Null(w.Egress));
        var warning = Assert.Single(plan.Warnings);
        Assert.Equal("MESH0121", warning.Id);
        Assert.Contains("HTTPS_PROXY", warning.Message);
    }

    [Fact]
    public async Task References_hidden_in_values_are_found()
    {
        var web = _app.Http("web");
        var queue = _app.Server("queue", "amqp");
        var cache = _app.Server("cache");
        var db = _app.Builder.AddConnectionString("db", ReferenceExpression.Create($"Host={cache.GetEndpoint("tcp").Property(EndpointProperty.Host)};Port={cache.GetEndpoint("tcp").Property(EndpointProperty.Port)}"));
        _app.Builder.AddExecutable("caller", "app", ".")
            .WithEnvironment("A", $"{web.GetEndpoint("http")}/path")
            .WithEnvironment("B", ReferenceExpression.CreateConditional(queue.GetEndpoint("tcp").Property(EndpointProperty.TlsEnabled), "True", ReferenceExpression.Empty, ReferenceExpression.Create($"{queue.GetEndpoint("tcp").Property(EndpointProperty.HostAndPort)}")))
            .WithReference(db);

        Equal("""
            workload web [http:http]
              web-sidecar is web in 127.0.0.1:9001 admin 127.0.0.1:9002
            workload queue [tcp:tcp]
              queue-sidecar is queue in 127.0.0.1:9003 admin 127.0.0.1:9004
            workload cache [tcp:tcp]
              cache-sidecar is cache in 127.0.0.1:9005 admin 127.0.0.1:9006
            workload caller []
              caller-sidecar is caller in 127.0.0.1:9007 admin 127.0.0.1:9008
            edge caller -> web.http as http://127.0.0.1:9009 at caller=127.0.0.1:9009
            edge caller -> queue.tcp as amqp://127.0.0.1:9010 at caller=127.0.0.1:9010
            edge caller -> cache.tcp as tcp://127.0.0.1:9011 at caller=127.0.0.1:9011
            """, await _app.TextAsync());
    }

    [Fact]
    public async Task Arguments_and_values_of_third_parties_are_looked_into()
    {
        var a = _app.Http("a");
        var b = _app.Http("b");
        _app.Builder.AddExecutable("caller", "app", ".").WithArgs("--to", a.GetEndpoint("http")).WithEnvironment(c => c.EnvironmentVariables["X"] = new Foreign(b.Resource));

        var plan = await _app.PlanAsync();

        Assert.Equal(["caller->a.http", "caller->b.http"], plan.Model.Edges.Select(e => $"{e.From}->{e.To}.{e.Endpoint}").Order());
    }

    [Fact]
    public async Task Each_replica_has_a_sidecar_and_each_sidecar_a_listener()
    {
        var back = _app.Http("back");
        _app.Http("front").WithReference(back.GetEndpoint("http"));

        Equal("""
            workload back [http:http]
              back-0-sidecar is back-0 in 127.0.0.1:9001 admin 127.0.0.1:9002
              back-1-sidecar is back-1 in 127.0.0.1:9003 admin 127.0.0.1:9004
            workload front [http:http]
              front-0-sidecar is front-0 in 127.0.0.1:9005 admin 127.0.0.1:9006
              front-1-sidecar is front-1 in 127.0.0.1:9007 admin 127.0.0.1:9008
            edge front -> back.http as http://127.0.0.1:{{- replicaValue "back.http" -}} at front-0=127.0.0.1:9009 front-1=127.0.0.1:9010
            """, await _app.TextAsync(_ => 2));
    }

    [Fact]
    public async Task A_resource_without_endpoint_or_reference_has_no_sidecar()
    {
        _app.Builder.AddExecutable("job", "app", ".");

        Equal("", await _app.TextAsync());
    }

    [Fact]
    public async Task A_resource_outside_the_mesh_is_left_alone_and_named()
    {
        var old = _app.Http("old").WithoutMesh("legacy TLS");
        var back = _app.Http("back").WithReference(old.GetEndpoint("http"));
        old.WithReference(back.GetEndpoint("http"));

        Equal("""
            workload back [http:http]
              back-sidecar is back in 127.0.0.1:9001 admin 127.0.0.1:9002
            warning 'back' calls 'old', which is outside the mesh (legacy TLS): the call is neither encrypted nor checked. To change that, write .WithMesh() on 'old'. [MESH0104]
            warning 'old' is outside the mesh (legacy TLS) and calls 'back' at its own address: nothing checks these calls. To change that, write .WithMesh() on 'old'. [MESH0104]
            """, await _app.TextAsync());
    }

    [Fact]
    public async Task External_http_endpoints_get_a_gateway_that_takes_their_port()
    {
        _app.Builder.AddExecutable("shop", "app", ".").WithHttpEndpoint(port: 8123, name: "http").WithExternalHttpEndpoints();
        _app.Http("api").WithExternalHttpEndpoints();

        Equal("""
            workload shop [http:http]
              shop-sidecar is shop in 127.0.0.1:9001 admin 127.0.0.1:9002
            workload api [http:http]
              api-sidecar is api in 127.0.0.1:9003 admin 127.0.0.1:9004
            gateway shop -> shop.http at http://localhost:8123 (127.0.0.1:8123) takes the port
            gateway api -> api.http at http://localhost:9005 (127.0.0.1:9005)
            """, await _app.TextAsync());
    }

    [Fact]
    public async Task A_gateway_whose_port_is_in_use_takes_another_and_says_so()
    {
        _app.Builder.AddExecutable("shop", "app", ".").WithHttpEndpoint(port: Planned.TakenPort, name: "http").WithExternalHttpEndpoints();

        Equal("""
            workload shop [http:http]
              shop-sidecar is shop in 127.0.0.1:9001 admin 127.0.0.1:9002
            gateway shop -> shop.http at http://localhost:9003 (127.0.0.1:9003) takes the port
            warning The gateway of 'shop' needs port 8999, which is in use: it listens on 9003 instead. End what uses 8999, or write .WithHttpEndpoint(port: …) on 'shop'. [MESH0407]
            """, await _app.TextAsync());
    }

    [Fact]
    public async Task External_services_are_reached_through_the_sidecar()
    {
        var bank = _app.Builder.AddExternalService("bank", new Uri("https://bank.example/"));
        _app.Builder.AddExecutable("pay", "app", ".").WithReference(bank);

        Equal("""
            workload pay []
              pay-sidecar is pay in 127.0.0.1:9001 admin 127.0.0.1:9002
            edge pay -> bank.https as http://127.0.0.1:9003 at pay=127.0.0.1:9003
            external bank bank.example:443 tls
            """, await _app.TextAsync());
    }

    [Fact]
    public async Task External_services_whose_address_is_a_parameter_are_carried_where_it_has_its_value_at_the_start()
    {
        var bank = _app.Builder.AddExternalService("bank", _app.Builder.AddParameter("bank-url", "http://bank.example:81/"));
        var later = _app.Builder.AddExternalService("later", _app.Builder.AddParameter("later-url"));
        var pay = _app.Builder.AddExecutable("pay", "app", ".").WithReference(bank).WithReference(later);
        // Policies on an edge that is not carried are no mistake: the warning says that they hold nowhere.
        _app.Mesh().Edge(pay, later).WithRetry(1);

        var text = await _app.TextAsync();

        Assert.Contains("edge pay -> bank.http as http://127.0.0.1:9003 at pay=127.0.0.1:9003\nexternal bank bank.example:81\n", text);
        Assert.Contains("'pay' calls the external service 'later' past the mesh, where no policy of that edge holds: its address is the parameter 'later-url'", text);
        Assert.Empty((await _app.PlanAsync()).Errors);
    }

    [Fact]
    public async Task External_https_endpoints_get_a_gateway_with_tls_that_takes_their_port()
    {
        var shop = _app.Builder.AddExecutable("shop", "app", ".").WithHttpsEndpoint(port: 8124, name: "https").WithExternalHttpEndpoints();
        var api = _app.Http("api");
        _app.Mesh().Gateway(api, tls: true);

        var plan = await _app.PlanAsync();

        Assert.Equal(["https://localhost:8124 True", "https://localhost:9005 False"], plan.Gateways.Select(g => $"{g.Url} {g.TakesPort}"));
        Assert.All(plan.Model.Gateways, g => Assert.Equal("made for the test", g.CertificatePem));
        Assert.Equal("MESH0120", Assert.Single(plan.Warnings).Id);
        Assert.Equal(shop.Resource, plan.Gateways[0].Resource);
    }

    [Fact]
    public async Task A_container_finds_its_listeners_on_the_engines_bridge()
    {
        var back = _app.Http("back");
        _app.Builder.AddContainer("box", "image").WithEnvironment("BACK", back.GetEndpoint("http"));

        Equal("""
            workload back [http:http]
              back-sidecar is back in 127.0.0.1:9001 admin 127.0.0.1:9002
            workload box []
              box-sidecar is box in 127.0.0.1:9003 admin 127.0.0.1:9004
            edge box -> back.http as http://172.17.0.1:9005 at box=172.17.0.1:9005
            """, await _app.TextAsync());
    }

    [Fact]
    public async Task A_container_finds_external_services_and_the_forward_proxy_there_too()
    {
        var bank = _app.Builder.AddExternalService("bank", new Uri("https://bank.example/"));
        _app.Builder.AddContainer("box", "image").WithReference(bank);
        _app.Builder.AddContainer("quiet", "image");
        _app.Mesh().WithoutUndeclaredEgress();
        // Containers do not inherit what is set where the AppHost was started.
        _app.InheritedProxy = "HTTPS_PROXY";

        Equal("""
            workload box []
              box-sidecar is box in 127.0.0.1:9001 admin 127.0.0.1:9002 egress 172.17.0.1:9003
            workload quiet []
              quiet-sidecar is quiet in 127.0.0.1:9004 admin 127.0.0.1:9005 egress 172.17.0.1:9006
            edge box -> bank.https as http://172.17.0.1:9007 at box=172.17.0.1:9007
            external bank bank.example:443 tls
            """, await _app.TextAsync());
        Assert.Equal(["http://172.17.0.1:9003", "http://172.17.0.1:9006"], (await _app.PlanAsync()).Workloads.Select(w => w.Egress!.Text(EndpointProperty.Url)));
    }

    [Fact]
    public async Task A_container_that_cannot_reach_its_sidecar_is_not_watched_and_that_is_said()
    {
        _app.Builder.AddContainer("box", "image").WithHttpEndpoint(targetPort: 80);
        _app.Mesh().WithoutUndeclaredEgress();
        _app.Bridge = new(null, "the container engine 'docker' is not on PATH.");

        var plan = await _app.PlanAsync();

        Assert.Null(Assert.Single(plan.Workloads).Egress);
        Assert.Equal("'box' runs in a container, and what it calls out of the mesh is not watched: the container engine 'docker' is not on PATH. [MESH0103]", $"{Assert.Single(plan.Warnings)}");
        Assert.Empty(plan.Errors);
    }

    [Fact]
    public async Task Everything_wrong_is_reported_at_once()
    {
        var dns = _app.Builder.AddExecutable("dns", "app", ".").WithEndpoint(name: "udp", protocol: ProtocolType.Udp, scheme: "udp");
        var back = _app.Http("back");
        var box = _app.Builder.AddContainer("box", "image").WithEnvironment("BACK", back.GetEndpoint("http"));
        _app.Bridge = new(null, "the container engine 'docker' is not on PATH.");
        var front = _app.Http("front").WithEnvironment("DNS", dns.GetEndpoint("udp"));
        _app.Http("front-sidecar");
        var mesh = _app.Mesh();
        mesh.Edge(front, back).WithRetry(3);
        _app.Builder.AddExecutable("idle", "app", ".").WithMeshLabels(("version", "2"));
        mesh.Gateway(dns);

        var plan = await _app.PlanAsync();

        Equal("""
            'box' runs in a container and calls 'back', and cannot reach its sidecar: the container engine 'docker' is not on PATH. Write .WithoutMesh("runs in a container") on 'box', or run it as a project or executable. [MESH0103]
            'front' calls 'dns' at its UDP endpoint 'udp': sidecars carry TCP only. Write .WithoutMesh("uses UDP") on 'dns', or offer the endpoint over TCP. [MESH0102]
            The sidecar of 'front' would be named 'front-sidecar', and the AppHost has a resource 'front-sidecar'. Rename that resource. [MESH0107]
            mesh.Gateway leads to 'dns', which is not in the mesh. Write .WithMesh() on 'dns', or remove the gateway. [MESH0004]
            The AppHost says policies on the edge from 'front' to 'back', and 'front' has no reference there. Write .WithReference(back) on 'front', or remove mesh.Edge(front, back). [MESH0015]
            'idle' has mesh policies and has no sidecar: it has neither an endpoint nor a reference. Remove the policies, or write .WithMesh() last. [MESH0108]
            """, string.Join('\n', plan.Errors) + "\n");
    }

    [Fact]
    public async Task What_is_said_of_an_edge_of_opaque_TCP_starts_from_the_defaults_of_opaque_TCP()
    {
        var (cache, store) = (_app.Server("cache"), _app.Server("store"));
        var front = _app.Http("front").WithReference(cache.GetEndpoint("tcp")).WithReference(store.GetEndpoint("tcp"));
        _app.Mesh().Edge(front, cache).WithTimeout(t => t with { Connect = TimeSpan.FromSeconds(1) }).WithLoadBalancing(l => l with { SlowStart = TimeSpan.FromSeconds(1) });

        var edges = (await _app.PlanAsync()).Model.Edges;

        var policies = edges.Single(e => e.To == "cache").Policies;
        Assert.Equal((TimeSpan.FromSeconds(1), MeshDefaults.OpaqueTimeouts.Idle), (policies.Timeouts!.Connect, policies.Timeouts.Idle));
        Assert.Equal(MeshDefaults.OpaqueLoadBalancing.Algorithm, policies.LoadBalancing!.Algorithm);
        policies = edges.Single(e => e.To == "store").Policies;
        Assert.Equal((null, null), (policies.Timeouts, policies.LoadBalancing));
    }

    [Fact]
    public async Task Policies_are_recorded_on_the_edge_and_on_the_workload()
    {
        var back = _app.Http("back").WithMeshLabels(("version", "2")).WithRateLimit(100);
        var front = _app.Http("front").WithReference(back.GetEndpoint("http"));
        var mesh = _app.Mesh().WithMtls(MtlsMode.Permissive).WithTrustDomain("shop.mesh").WithChaos();
        mesh.WithEdgeDefaults(p => p with { Timeouts = new() { Request = TimeSpan.FromSeconds(9) } });
        mesh.Edge(front, back).WithRetry(4).WithTimeout(t => t with { PerTry = TimeSpan.FromSeconds(1) });

        var model = (await _app.PlanAsync()).Model;

        Assert.Equal((MtlsMode.Permissive, "shop.mesh", true), (model.Mtls, model.TrustDomain, model.ChaosEnabled));
        var edge = Assert.Single(model.Edges);
        Assert.Equal((4, TimeSpan.FromSeconds(9), TimeSpan.FromSeconds(1)), (edge.Policies.Retry!.MaxRetries, edge.Policies.Timeouts!.Request, edge.Policies.Timeouts.PerTry));
        var workload = model.Workloads.Single(w => w.Name == "back");
        Assert.Equal(("2", 100d), (workload.Labels["version"], workload.Inbound.RateLimits.Single().PerSecond));
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, true)]
    public async Task A_published_topology_takes_faults_only_where_the_apphost_said_so_a_second_time(bool second, bool allowed)
    {
        var published = new Planned { Builder = DistributedApplication.CreateBuilder(new DistributedApplicationOptions { DisableDashboard = true, AssemblyName = typeof(Planned).Assembly.GetName().Name, Args = ["--operation", "publish", "--output-path", "nowhere"] }) };
        published.Builder.AddContainer("front", "image").WithReference(published.Builder.AddContainer("back", "image").WithHttpEndpoint(targetPort: 80).GetEndpoint("http"));
        var mesh = published.Mesh().WithChaos();
        if (second) mesh.WithPublishedChaos();

        Assert.Equal(allowed, (await published.PlanAsync()).Model.ChaosEnabled);
    }

    [Fact]
    public async Task Every_listener_of_a_pod_has_a_port_of_its_own_where_connections_are_intercepted_and_egress_is_watched_too()
    {
        var published = new Planned { Builder = DistributedApplication.CreateBuilder(new DistributedApplicationOptions { DisableDashboard = true, AssemblyName = typeof(Planned).Assembly.GetName().Name, Args = ["--operation", "publish", "--output-path", "nowhere"] }) };
        var back = published.Builder.AddContainer("back", "image").WithHttpEndpoint(targetPort: 80).GetEndpoint("http");
        published.Builder.AddContainer("front", "image").WithReference(back).WithTransparentInterception();
        published.Mesh().WithoutUndeclaredEgress();

        var model = (await published.PlanAsync()).Model;

        var front = model.Workloads.Single(w => w.Name == "front");
        var sidecar = Assert.Single(front.Sidecars);
        string?[] listeners = [sidecar.Inbound, sidecar.Admin, sidecar.Egress, front.Intercept, .. model.Edges.Select(e => e.Listen["front"])];
        Assert.All(listeners, Assert.NotNull);
        Assert.Equal(listeners.Length, listeners.Select(l => l!.Split(':')[^1]).Distinct().Count());
    }

    [Fact]
    public async Task A_callback_that_waits_for_the_running_application_is_given_up_and_named()
    {
        var back = _app.Http("back");
        _app.Http("front").WithReference(back.GetEndpoint("http")).WithEnvironment(async c => c.EnvironmentVariables["X"] = await back.GetEndpoint("http").GetValueAsync(c.CancellationToken) ?? "");

        var plan = await _app.PlanAsync();

        Assert.Equal("MESH0105", Assert.Single(plan.Warnings).Id);
        Assert.Single(plan.Edges);
    }

    private static void Equal(string expected, string actual) => Assert.Equal(expected.ReplaceLineEndings("\n").TrimEnd('\n'), actual.TrimEnd('\n'));

    private sealed class Foreign(IResource resource) : IValueProvider, IValueWithReferences
    {
        public IEnumerable<object> References => [resource];

        public ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default) => new("?");
    }
}
