namespace AspireMesh.Hosting.Tests.Running;

public class TwoServicesTests
{
    [Theory]
    [InlineData(SidecarHosting.Shared)]
    [InlineData(SidecarHosting.PerWorkload)]
    public async Task A_call_crosses_two_sidecars_over_mutual_tls(SidecarHosting hosting)
    {
        await using var mesh = new MeshApp(hosting);
        var back = mesh.Service("back");
        var front = mesh.Service("front").WithReference(back).WithEnvironment("TEXT", $"{back.GetEndpoint("http")}/host").WithArgs("--back", back.GetEndpoint("http"));
        await mesh.StartAsync("front", "back", "front-sidecar", "back-sidecar");

        Assert.StartsWith("200 back ", await mesh.GetAsync(front, "/call/BACK_HTTP/"));
        Assert.StartsWith("200 back ", await mesh.GetAsync(front, "/call/services__back__http__0/"));

        var outbound = "http://" + mesh.Edge("front", "back").Outbound;
        Assert.Equal($"{outbound}/host", await mesh.GetAsync(front, "/env/TEXT"));
        Assert.Equal($"--back {outbound}", await mesh.GetAsync(front, "/args"));
        var status = await mesh.StatusAsync(s => s.Edges.Single() is { Requests: >= 2, Mtls: true });
        Assert.All(status.Workloads, w => Assert.Empty(w.Problems));
        Assert.Equal(0, status.Edges.Single().Failures);
    }

    [Fact]
    public async Task Opaque_tcp_behind_a_connection_string_goes_through_the_mesh_both_ways()
    {
        await using var mesh = new MeshApp();
        var server = mesh.Service("server").WithEndpoint(name: "tcp", scheme: "tcp", env: "TCP_PORT");
        var connection = mesh.Builder.AddConnectionString("store", ReferenceExpression.Create($"{server.GetEndpoint("tcp").Property(EndpointProperty.IPV4Host)}:{server.GetEndpoint("tcp").Property(EndpointProperty.Port)}"));
        var client = mesh.Service("client").WithReference(connection);
        await mesh.StartAsync("server", "client");

        await mesh.AnswersAsync(client, "/tcp/ConnectionStrings__store", "hello from server and back");
        // One at least: the orchestrator's own proxy takes connections before the server listens.
        await mesh.StatusAsync(s => s.Edges.Single() is { Requests: >= 1, Mtls: true, Protocol: "tcp" });
    }

    [Fact]
    public async Task An_app_that_redirects_to_https_is_reached_without_leaving_the_mesh()
    {
        await using var mesh = new MeshApp();
        var back = mesh.Service("back").WithHttpsEndpoint().WithEnvironment("REDIRECT_TO_HTTPS", "1");
        var front = mesh.Service("front").WithReference(back);
        await mesh.StartAsync("front", "back");

        Assert.StartsWith("200 https ", await mesh.GetAsync(front, "/call/services__back__http__0/host"));
        Assert.StartsWith("200 https ", await mesh.GetAsync(front, "/call/services__back__https__0/host"));
        await mesh.StatusAsync(s => s.Edges.All(e => e is { Requests: 1, Mtls: true }));
    }

#if ASPIRE_SIMULATOR
    [Fact]
    public async Task Requests_are_spread_over_replicas_and_each_replica_has_its_own_sidecar()
    {
        await using var mesh = new MeshApp();
        var back = mesh.Service("back").WithReplicas(2);
        var front = mesh.Service("front").WithReference(back);
        mesh.Mesh.Edge(front, back).WithLoadBalancing(AspireMesh.Protocol.Policies.LoadBalancingAlgorithm.RoundRobin);
        await mesh.StartAsync("front", "back");

        HashSet<string> answers = [];
        for (var i = 0; i < 10; i++) answers.Add(await mesh.GetAsync(front, "/call/BACK_HTTP/"));

        Assert.Equal(2, answers.Count);
        Assert.All(answers, a => Assert.StartsWith("200 back ", a));
    }
#else
    // Aspire's orchestrator puts the replicas behind one proxy of its own that balances connections: one sidecar stands before it, and a second connection is opened only while the first is in use.
    [Fact]
    public async Task Requests_at_once_are_spread_over_replicas_behind_one_sidecar()
    {
        const int RequestsAtOnce = 16;
        await using var mesh = new MeshApp();
        var back = mesh.Service("back").WithReplicas(2);
        var front = mesh.Service("front").WithReference(back);
        await mesh.StartAsync("front", "back", "back-sidecar");

        HashSet<string> answers = [];
        while (answers.Count < 2) answers.UnionWith(await Task.WhenAll(Enumerable.Range(0, RequestsAtOnce).Select(_ => mesh.GetAsync(front, "/call/BACK_HTTP/"))));

        Assert.All(answers, a => Assert.StartsWith("200 back ", a));
        Assert.Single(mesh.Runtime.Status.Workloads, w => w.Name == "back");
    }
#endif

    [Fact]
    public async Task A_resource_outside_the_mesh_is_called_at_its_own_address()
    {
        await using var mesh = new MeshApp();
        var old = mesh.Service("old").WithoutMesh("it is old");
        var front = mesh.Service("front").WithReference(old);
        await mesh.StartAsync("front", "old");

        Assert.Equal(old.GetEndpoint("http").Url, await mesh.GetAsync(front, "/env/OLD_HTTP"));
        Assert.StartsWith("200 old ", await mesh.GetAsync(front, "/call/OLD_HTTP/"));
        Assert.Equal("front", Assert.Single(mesh.Runtime.Status.Workloads).Name);
    }

    [Fact]
    public async Task The_gateway_leads_from_outside_to_the_app()
    {
        await using var mesh = new MeshApp();
        mesh.Service("shop").WithExternalHttpEndpoints();
        await mesh.StartAsync("shop");

        Assert.StartsWith("shop ", await mesh.GetAsync(Assert.Single(mesh.Runtime.Plan!.Gateways).Url));
    }

    [Fact]
    public async Task A_sidecar_process_that_dies_is_started_again()
    {
        await using var mesh = new MeshApp(SidecarHosting.PerWorkload);
        var back = mesh.Service("back");
        var front = mesh.Service("front").WithReference(back);
        await mesh.StartAsync("front", "back");
        Assert.StartsWith("200 back ", await mesh.GetAsync(front, "/call/BACK_HTTP/"));

        var running = await mesh.App.ResourceNotifications.WaitForResourceAsync("back-sidecar", e => Pid(e) is not null, mesh.Limit);
        System.Diagnostics.Process.GetProcessById(Pid(running)!.Value).Kill();
        var again = await mesh.App.ResourceNotifications.WaitForResourceAsync("back-sidecar", e => e.Snapshot.State?.Text == KnownResourceStates.Running && Pid(e) is { } pid && pid != Pid(running), mesh.Limit);
        await mesh.App.ResourceNotifications.WaitForResourceHealthyAsync("back-sidecar", mesh.Limit);

        Assert.Contains(again.Snapshot.Properties, p => p.Name == "mesh.restarts");
        await mesh.AnswersAsync(front, "/call/BACK_HTTP/", "200 back ");
    }

    [Fact]
    public async Task The_row_of_a_sidecar_shows_its_identity_and_the_expiry_of_its_svid()
    {
        await using var mesh = new MeshApp();
        mesh.Service("back");
        await mesh.StartAsync("back", "back-sidecar");

        var row = await mesh.App.ResourceNotifications.WaitForResourceAsync("back-sidecar", e => e.Snapshot.Properties.Any(p => p.Name == "mesh.svid.expires"), mesh.Limit);

        Assert.EndsWith("/ns/default/sa/back", (string?)row.Snapshot.Properties.Single(p => p.Name == "mesh.identity").Value);
    }

    [Fact]
    public async Task A_command_on_the_mesh_moves_the_weight_of_a_split()
    {
        await using var mesh = new MeshApp();
        var stable = mesh.Service("stable");
        var next = mesh.Service("next");
        var front = mesh.Service("front").WithReference(stable);
        mesh.Mesh.Edge(front, stable).WithTrafficSplit((stable, 100), (next, 0));
        await mesh.StartAsync("front", "stable", "next", "mesh");
        Assert.StartsWith("200 stable ", await mesh.GetAsync(front, "/call/STABLE_HTTP/"));

        var result = await mesh.App.ResourceCommands.ExecuteCommandAsync(mesh.Mesh.Resource, Lifecycle.SplitCommands.NameOf("front", "stable", "next", 100), mesh.Limit);

        Assert.True(result.Success, result.Message);
        await mesh.AnswersAsync(front, "/call/STABLE_HTTP/", "200 next ");
    }

    private static int? Pid(ResourceEvent e) => e.Snapshot.State?.Text == KnownResourceStates.Running
        ? e.Snapshot.Properties.FirstOrDefault(p => p.Name == "executable.pid")?.Value switch { int number => number, string text => int.Parse(text, System.Globalization.CultureInfo.InvariantCulture), _ => null }
        : null;
}
