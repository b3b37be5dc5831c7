using System.Net.Sockets;
using AspireMesh.TestKit;

namespace AspireMesh.Host.Tests.WholeMesh;

/// <summary>Hot upgrades: a newer process takes over the ports of one that runs. Here both live in the test's process; what is passed is the same.</summary>
public class HandoverTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Both_ends_of_an_edge_are_replaced_under_load_and_no_request_fails()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows cannot pass listening sockets on: there, a sidecar is restarted.");
        await using var mesh = await RealMesh.StartAsync(m => m with { DrainTime = TimeSpan.FromSeconds(6) });
        var load = await PacedLoad.StartAsync(mesh.Front);

        await mesh.UpgradeAsync("api");
        await mesh.UpgradeAsync("web");
        await mesh.UpgradeAsync("api");
        await mesh.UntilAsync(m => m.Check().Healthy);
        var before = mesh.Control.GetStat()[0].Requests;
        await mesh.UntilAsync(m => m.GetStat()[0].Requests > before);
        var report = await load.StopAsync();

        output.WriteLine(report.ToString());
        Assert.Empty(report.Failures);
        Assert.Equal((report.Sent, report.Sent), (report.Answered, mesh.Arrivals));
    }

    [Fact]
    public async Task A_newer_process_that_dies_before_it_serves_leaves_everything_as_it_was()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows cannot pass listening sockets on: there, a sidecar is restarted.");
        await using var mesh = await RealMesh.StartAsync();
        await mesh.UntilAsync(m => m.Check().Healthy);

        using (var died = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            await died.ConnectAsync(new UnixDomainSocketEndPoint(mesh.HandoverOf("api")));
            await died.SendAsync("joined\n"u8.ToArray());
            await mesh.UntilAsync(m => !m.Check().Healthy);
        }

        await mesh.UntilAsync(m => m.Check().Healthy);
        Assert.Equal("hello", await mesh.Client.GetStringAsync("/"));
        await mesh.UpgradeAsync("api");
        Assert.Equal("hello", await mesh.Client.GetStringAsync("/"));
    }
}
