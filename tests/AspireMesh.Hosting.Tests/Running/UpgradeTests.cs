using AspireMesh.Hosting.Lifecycle;
using AspireMesh.Protocol.Admin;
using AspireMesh.TestKit;
using Microsoft.Extensions.DependencyInjection;

namespace AspireMesh.Hosting.Tests.Running;

public class UpgradeTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Sidecar_processes_are_replaced_under_load_and_no_request_fails()
    {
        Assert.SkipUnless(SidecarUpgrades.IsSupported, "This system cannot pass open ports from process to process: a sidecar is restarted.");
        await using var mesh = new MeshApp(SidecarHosting.PerWorkload);
        mesh.Mesh.Resource.Options.DrainTime = TimeSpan.FromSeconds(6);
        var back = mesh.Service("back");
        mesh.Service("front").WithReference(back);
        await mesh.StartAsync("front", "back", "front-sidecar", "back-sidecar");
        var outbound = mesh.Edge("front", "back").Outbound!;
        var load = await PacedLoad.StartAsync(int.Parse(outbound[(outbound.LastIndexOf(':') + 1)..], System.Globalization.CultureInfo.InvariantCulture), perSecond: 200, path: "/sized");

        // As the dashboard does it, and as the command line does.
        var sidecar = mesh.App.Services.GetRequiredService<DistributedApplicationModel>().Resources.Single(r => r.Name == "back-sidecar");
        var result = await mesh.App.ResourceCommands.ExecuteCommandAsync(sidecar, SidecarCommands.UpgradeName, mesh.Limit);
        Assert.True(result.Success, result.Message);
        using var admin = await mesh.AdminAsync();
        Assert.Equal((null, false), await admin.UpgradeAsync(new UpgradeRequest { Instance = "front" }, mesh.Limit) is var outcome ? (outcome.Problem, outcome.Restarted) : default);
        await mesh.StatusAsync(s => s.Workloads.All(w => w.Healthy));
        var report = await load.StopAsync();

        output.WriteLine(report.ToString());
        Assert.Empty(report.Failures);
        Assert.Equal(report.Sent, report.Answered);
    }
}
