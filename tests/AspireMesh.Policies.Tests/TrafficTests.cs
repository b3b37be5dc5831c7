using AspireMesh.Protocol.Admin;

namespace AspireMesh.Policies.Tests;

public sealed class TrafficTests(PoliciesMesh mesh)
{
    [Fact]
    public async Task Requests_are_copied_to_the_mirror_and_answered_by_the_app()
    {
        Assert.Equal("1", (await mesh.GetAsync("mirror", "/add/mirrored")).Body);
        using var canary = Aspire.Hosting.Testing.DistributedApplicationHostingTestingExtensions.CreateHttpClient(mesh.App, "canary", "http");
        await mesh.UntilAsync(async () => await canary.GetStringAsync("/count/mirrored", mesh.Limit) == "1", "the mirror got its copy");
    }

    [Fact]
    public async Task A_split_reaches_both_legs_and_its_weight_moves_on_the_running_mesh()
    {
        HashSet<string> seen = [];
        await mesh.UntilAsync(async () => { seen.Add(Name(await mesh.GetAsync("split", "/who/"))); return seen.Count == 2; }, "both legs answered");
        Assert.Equal(["api", "canary"], seen.Order());

        await mesh.Admin.MoveSplitAsync(new SplitChange { From = "caller", To = "api", Endpoint = "split", Route = "split", Leg = "canary", Percent = 100 }, mesh.Limit);
        await mesh.UntilAsync(async () => (await mesh.Admin.CheckAsync(mesh.Limit)).Healthy, "the sidecars have the new weight");
        for (var i = 0; i < 20; i++) Assert.Equal("canary", Name(await mesh.GetAsync("split", "/who/")));
    }

    [Fact]
    public async Task Routes_match_on_header_query_host_method_baggage_and_path_and_not_on_another_caller()
    {
        Assert.Equal("api", Name(await mesh.GetAsync("routes", "/who/")));
        Assert.Equal("canary", Name(await mesh.GetAsync("routes", "/who/", ("x-beta", "yes"))));
        Assert.Equal("api", Name(await mesh.GetAsync("routes", "/who/", ("x-beta", "no"))));
        Assert.Equal("canary", Name(await mesh.GetAsync("routes", "/who/?beta=1")));
        Assert.Equal("canary", Name(await mesh.GetAsync("routes", "/who/", ("Host", "beta.test"))));
        Assert.Equal("canary", Name(await mesh.SendAsync("api", "routes", "/who/", "DELETE")));
        Assert.Equal("canary", Name(await mesh.GetAsync("routes", "/who/", ("baggage", "a=b,tenant=beta"))));
        Assert.Equal("canary", Name(await mesh.GetAsync("routes", "/who/beta/1")));
        Assert.Equal("api", Name(await mesh.GetAsync("routes", "/who/betamax")));
    }

    [Fact]
    public async Task A_redirect_is_answered_by_the_sidecar()
    {
        var answer = await mesh.GetAsync("redirect", "/old/things?page=2");
        Assert.Equal(308, answer.Status);
        Assert.EndsWith("/new/things?page=2", answer.Headers["Location"]);
    }

    [Fact]
    public async Task A_rewrite_changes_path_and_host()
    {
        var heard = (await mesh.GetAsync("rewrite", "/v1/things")).Body;
        Assert.StartsWith("GET /request/things\n", heard);
        Assert.Contains("\nhost: renamed.test", heard);
    }

    [Fact]
    public async Task Headers_are_edited_both_ways()
    {
        var answer = await mesh.GetAsync("headers", "/request/", ("x-set", "app"), ("x-more", "own"), ("x-secret", "1"));
        Assert.Contains("\nx-set: sidecar", answer.Body);
        Assert.Contains("\nx-more: own,added", answer.Body.Replace(", ", ",", StringComparison.Ordinal));
        Assert.DoesNotContain("x-secret", answer.Body);
        Assert.Equal("through the mesh", answer.Headers["x-answered"]);
    }

    [Fact]
    public async Task A_preflight_is_answered_by_the_sidecar()
    {
        var answer = await mesh.SendAsync("api", "cors", "/status/500", "OPTIONS", ("Origin", "https://shop.test"), ("Access-Control-Request-Method", "GET"));
        Assert.Equal("https://shop.test", answer.Headers["Access-Control-Allow-Origin"]);
        Assert.Equal("60", answer.Headers["Access-Control-Max-Age"]);
        Assert.True(answer.Status is 200 or 204, $"{answer.Status}");
    }

    [Fact]
    public async Task The_policy_file_beside_the_apphost_counts_too() => Assert.Equal("api", Name(await mesh.GetAsync("filed", "/from-the-file")));

    [Fact]
    public async Task Defaults_of_the_mesh_and_changes_on_an_edge_stand_in_the_snapshot()
    {
        var snapshot = await mesh.Admin.GetConfigAsync("caller", mesh.Limit);
        var tuned = snapshot.Outbound.Single(l => l.Name == "api.tuned").Routes.Single();
        Assert.Equal((7, TimeSpan.FromSeconds(90)), (tuned.Retry!.MaxRetries, tuned.Timeouts.Request));
        Assert.Equal(TimeSpan.FromMilliseconds(300), snapshot.Outbound.Single(l => l.Name == "api.deadline").Routes.Single().Timeouts.Request);
    }

    [Fact]
    public async Task Every_request_crossed_mutual_tls_and_stat_has_rates_and_percentiles()
    {
        Assert.Equal(200, (await mesh.GetAsync("default", "/who/")).Status);
        StatRow? row = null;
        await mesh.UntilAsync(async () => (row = (await mesh.Admin.GetStatAsync(mesh.Limit)).Single(r => r is { From: "caller", To: "api", Endpoint: "default" })) is { P50Ms: > 0, P95Ms: > 0, P99Ms: > 0, PerSecond: > 0 }, "stat has the edge's traffic");
        Assert.True(row!.Mtls);
    }

    private static string Name(Answer answer) => answer.Status == 200 ? answer.Body.Split(' ')[0] : $"{answer.Status} {answer.Error}";
}
