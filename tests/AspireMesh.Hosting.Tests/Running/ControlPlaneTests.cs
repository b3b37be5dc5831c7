using AspireMesh.Hosting.Lifecycle;
using AspireMesh.Protocol.Admin;
using AspireMesh.Protocol.Diagnostics;

namespace AspireMesh.Hosting.Tests.Running;

public class ControlPlaneTests
{
    [Theory]
    [InlineData(SidecarHosting.Shared)]
    [InlineData(SidecarHosting.PerWorkload)]
    public async Task The_control_plane_can_be_a_process_of_its_own(SidecarHosting hosting)
    {
        await using var mesh = new MeshApp(hosting);
        mesh.Mesh.WithControlPlane(ControlPlaneHosting.OwnProcess);
        var back = mesh.Service("back");
        var front = mesh.Service("front").WithReference(back);
        await mesh.StartAsync("front", "back", "mesh-control");

        Assert.StartsWith("200 back ", await mesh.GetAsync(front, "/call/BACK_HTTP/"));
        await mesh.StatusAsync(s => s.Edges.Single() is { Requests: 1, Mtls: true });
        if (!SidecarUpgrades.IsSupported) return;
        using var admin = await mesh.AdminAsync();
        var outcome = await admin.UpgradeAsync(new UpgradeRequest { Instance = "back" }, mesh.Limit);
        Assert.Equal(hosting == SidecarHosting.PerWorkload ? null : "sidecars run inside the AppHost: start it again", outcome.Problem);
        Assert.StartsWith("200 back ", await mesh.GetAsync(front, "/call/BACK_HTTP/"));
    }

    [Fact]
    public async Task A_policy_file_is_applied_at_start_and_when_it_is_saved()
    {
        var file = Path.Combine(Directory.CreateTempSubdirectory("aspiremesh-policies-").FullName, "mesh.json");
        await File.WriteAllTextAsync(file, Redirect("one"), TestContext.Current.CancellationToken);
        await using var mesh = new MeshApp();
        mesh.Mesh.WithPolicyFile(file);
        var back = mesh.Service("back");
        var front = mesh.Service("front").WithReference(back);
        await mesh.StartAsync("front", "back");
        await mesh.AnswersAsync(front, "/call/BACK_HTTP/moved", "404 ");
        await mesh.AnswersAsync(front, "/call/BACK_HTTP/old", "200 back ");

        await File.WriteAllTextAsync(file, Redirect("moved"), TestContext.Current.CancellationToken);
        File.SetLastWriteTimeUtc(file, DateTime.UnixEpoch);

        await mesh.AnswersAsync(front, "/call/BACK_HTTP/moved", "200 back ");

        static string Redirect(string last) => $$"""
            { "edges": [ { "from": "front", "to": "back", "policies": { "routes": [
                { "name": "old", "matches": [ { "path": { "kind": "exact", "value": "/old" } }, { "path": { "kind": "exact", "value": "/{{last}}" } } ], "rewrite": { "path": "/" } } ] } } ] }
            """;
    }

    [Fact]
    public async Task Everything_wrong_stops_the_start_in_one_message()
    {
        await using var mesh = new MeshApp();
        var back = mesh.Service("back").WithRateLimit(-1);
        var front = mesh.Service("front").WithReference(back);
        mesh.Mesh.WithPolicyFile("no-such-file.json").Edge(front, back).WithRetry(99);
        mesh.Mesh.Edge(back, front).WithRetry(1);

        var stopped = await Assert.ThrowsAsync<MeshValidationException>(() => mesh.StartAsync());

        Assert.Equal(["MESH0009", "MESH0015", "MESH0112"], stopped.Problems.Select(p => p.Id).Distinct().Order());
    }

    [Fact]
    public async Task Two_meshes_in_one_apphost_are_refused()
    {
        await using var mesh = new MeshApp();

        Assert.Same(mesh.Mesh.Resource, mesh.Builder.AddServiceMesh().Resource);
        Assert.Equal("MESH0100", Assert.Throws<MeshValidationException>(() => mesh.Builder.AddServiceMesh("other")).Problems.Single().Id);
    }
}
