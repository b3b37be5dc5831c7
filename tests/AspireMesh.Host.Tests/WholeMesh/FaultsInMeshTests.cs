using AspireMesh.Protocol.Faults;

namespace AspireMesh.Host.Tests.WholeMesh;

/// <summary>Faults on their whole way: control plane, snapshot, sidecar, and what it decided back again.</summary>
public class FaultsInMeshTests
{
    [Theory]
    [InlineData(FaultSide.Outbound)]
    [InlineData(FaultSide.Inbound)]
    public async Task A_fault_acts_its_decisions_come_back_and_it_goes(FaultSide side)
    {
        await using var mesh = await RealMesh.StartAsync(m => m with { ChaosEnabled = true });
        await UntilAsync(async () => await StatusAsync(mesh) == 200);
        mesh.Control.AddFault(new FaultRule { Id = "f1", From = "web", To = "api", Side = side, Seed = 3, Fault = new Fault { Kind = FaultKinds.Abort, Status = 418 } });
        await UntilAsync(async () => await StatusAsync(mesh) == 418);
        await UntilAsync(() => Task.FromResult(mesh.Control.GetFaultTallies().Any(t => t is { Fault: "f1", From: "web", To: "api", Seed: 3, Fires: > 0 } && t.Instance == (side == FaultSide.Outbound ? "web" : "api") && t.Decisions.StartsWith('x'))));
        mesh.Control.RemoveFault("f1");
        await UntilAsync(async () => await StatusAsync(mesh) == 200);
        Assert.Contains(mesh.Control.GetFaultTallies(), t => t.Fault == "f1");
    }

    [Fact]
    public async Task A_sidecar_that_loses_the_control_plane_serves_on_and_comes_back_when_the_fault_has_ended()
    {
        await using var mesh = await RealMesh.StartAsync(m => m with { ChaosEnabled = true });
        await UntilAsync(async () => await StatusAsync(mesh) == 200);
        mesh.Control.AddFault(new FaultRule { Id = "away", To = "web", Fault = new Fault { Kind = FaultKinds.ControlDisconnect }, ExpiresAt = DateTimeOffset.UtcNow.AddSeconds(5) });
        await UntilAsync(() => Task.FromResult(!mesh.Control.IsConnected("web")));
        Assert.Equal(200, await StatusAsync(mesh));
        await UntilAsync(() => Task.FromResult(mesh.Control.IsConnected("web")));
        Assert.Equal(200, await StatusAsync(mesh));
    }

    [Theory]
    [InlineData("control-slow")]
    [InlineData("control-refuse")]
    public async Task A_slow_or_refusing_control_plane_is_not_noticed_by_requests(string kind)
    {
        await using var mesh = await RealMesh.StartAsync(m => m with { ChaosEnabled = true });
        await UntilAsync(async () => await StatusAsync(mesh) == 200);
        mesh.Control.AddFault(new FaultRule { Id = "c", To = "web", Fault = new Fault { Kind = kind, Delay = TimeSpan.FromMilliseconds(200) }, ExpiresAt = DateTimeOffset.UtcNow.AddSeconds(4) });
        mesh.Control.RenewNow("web");
        mesh.Control.AddFault(new FaultRule { Id = "f", From = "web", To = "api", Fault = new Fault { Kind = FaultKinds.Abort, Status = 418 } });
        await UntilAsync(async () => await StatusAsync(mesh) == 418);
        mesh.Control.RemoveFault("f");
        await UntilAsync(async () => await StatusAsync(mesh) == 200);
        await UntilAsync(() => Task.FromResult(mesh.Control.GetFaultTallies().Any(t => t.Fault == "c" && t.Fires > 0)));
    }

    [Fact]
    public async Task A_rotation_in_the_middle_of_a_request_is_not_noticed()
    {
        await using var mesh = await RealMesh.StartAsync(m => m with { ChaosEnabled = true });
        await UntilAsync(async () => await StatusAsync(mesh) == 200);
        var before = mesh.Control.GetStatus().Workloads.Single(w => w.Name == "web").SvidExpires;
        mesh.Control.AddFault(new FaultRule { Id = "r", From = "web", To = "api", Fault = new Fault { Kind = FaultKinds.RotateNow } });
        await UntilAsync(async () => await StatusAsync(mesh) == 200 && mesh.Control.GetStatus().Workloads.Single(w => w.Name == "web").SvidExpires > before);
        for (var i = 0; i < 20; i++) Assert.Equal(200, await StatusAsync(mesh));
    }

    private static async Task<int> StatusAsync(RealMesh mesh)
    {
        using var response = await mesh.Client.GetAsync("/");
        return (int)response.StatusCode;
    }

    private static async Task UntilAsync(Func<Task<bool>> holds)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!await holds()) await Task.Delay(20, patience.Token);
    }
}
