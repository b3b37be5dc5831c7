using System.Diagnostics;
using System.Globalization;
using AspireMesh.TestKit;

namespace AspireMesh.Hosting.Tests.Running;

public class KilledSidecarTests(ITestOutputHelper output)
{
#if ASPIRE_SIMULATOR
    private static readonly string[] Instances = ["back-0", "back-1"];
#else
    // Aspire's orchestrator puts one sidecar before both replicas: while it is away, nobody stands in for it.
    private static readonly string[] Instances = ["back"];
#endif

    [Fact]
    public async Task A_killed_sidecar_comes_back_by_itself_and_callers_see_only_what_their_retries_cannot_cover()
    {
        await using var mesh = new MeshApp(SidecarHosting.PerWorkload);
        var back = mesh.Service("back").WithReplicas(2);
        var front = mesh.Service("front").WithReference(back);
        // All that was under way breaks at the same moment, which on a slow machine may be more than a fifth of the requests: the budget would stop those.
        mesh.Mesh.Edge(front, back).WithRetry(r => r with { BudgetMinPerSecond = 100 });
        await mesh.StartAsync(["front", "back", "front-sidecar", .. Instances.Select(i => $"{i}-sidecar")]);
        var outbound = mesh.Edge("front", "back").Outbound!;
        var port = int.Parse(outbound[(outbound.LastIndexOf(':') + 1)..], CultureInfo.InvariantCulture);
        var load = await PacedLoad.StartAsync(port, perSecond: 100, path: "/sized");
        var killed = await PidAsync(mesh, $"{Instances[0]}-sidecar", 0);
        var first = mesh.Runtime.StatusOf(Instances[0])!.SvidExpires;

        Process.GetProcessById(killed).Kill();
        var replaced = await PidAsync(mesh, $"{Instances[0]}-sidecar", killed);
        await mesh.StatusAsync(s => s.Workloads.Single(w => w.Name == Instances[0]) is { Healthy: true } row && row.SvidExpires > first);
        var report = await load.StopAsync();

        output.WriteLine(report.ToString());
        Assert.NotEqual(killed, replaced);
#if !ASPIRE_SIMULATOR
        // What came while there was none is lost; once the new one is there, nothing is.
        await mesh.AnswersAsync(front, "/call/BACK_HTTP/", "200 back ");
        load = await PacedLoad.StartAsync(port, perSecond: 100, path: "/sized");
        await mesh.StatusAsync(_ => load.Answered >= 100);
        report = await load.StopAsync();
        output.WriteLine(report.ToString());
#endif
        // Another replica's sidecar is there, or this one again, and a GET may be repeated: nothing is left that retries cannot cover.
        Assert.Empty(report.Failures);
        Assert.Equal(report.Sent, report.Answered);
    }

    private static async Task<int> PidAsync(MeshApp mesh, string resource, int otherThan)
    {
        await foreach (var change in mesh.App.ResourceNotifications.WatchAsync(mesh.Limit))
        {
            if (change.Resource.Name != resource || change.Snapshot.State?.Text != KnownResourceStates.Running) continue;
            if (change.Snapshot.Properties.FirstOrDefault(p => p.Name == "executable.pid")?.Value is { } pid && Convert.ToInt32(pid, CultureInfo.InvariantCulture) is var found && found != otherThan) return found;
        }
        throw new InvalidOperationException($"'{resource}' did not run");
    }
}
