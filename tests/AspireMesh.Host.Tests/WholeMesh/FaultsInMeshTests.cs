using System.Collections.Immutable;
using AspireMesh.Protocol.Faults;
using AspireMesh.Protocol.Model;
using AspireMesh.TestKit;

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

    [Fact]
    public async Task Decisions_on_several_edges_at_once_are_the_same_bytes_three_times_over()
    {
        const int Requests = 120;
        await using var app = await CountingApp.StartAsync();
        var second = FreePort.Next();
        await using var mesh = await RealMesh.StartAsync(m => m with
        {
            ChaosEnabled = true,
            Workloads = [.. m.Workloads.Select(w => w.Name == "api" ? w with { Endpoints = [.. w.Endpoints, new EndpointModel { Name = "admin" }], Inbound = w.Inbound with { IdentityHeader = true } } : w)],
            Edges = [.. m.Edges, m.Edges[0] with { Endpoint = "admin", Listen = ImmutableDictionary<string, string>.Empty.Add("web", $"127.0.0.1:{second}") }],
        });
        // The callee works on requests from the start (it adds an identity header): a stream that was spliced before a fault came would pass it uncounted.
        mesh.Control.SetAppAddress("api", "api", "admin", app.Address);
        var edges = new[] { mesh.Client.BaseAddress!, new Uri($"http://127.0.0.1:{second}/") };
        foreach (var edge in edges) await UntilAsync(async () => await StatusAsync(mesh, edge) == 200);
        FaultRule[] rules =
        [
            new FaultRule { Id = "lost", To = "api", Seed = 41, Fault = new Fault { Kind = FaultKinds.Abort, Status = 418 }, Activation = new() { Percent = 20 } },
            new FaultRule { Id = "late", To = "api", Seed = 42, Fault = new Fault { Kind = FaultKinds.Delay, Delay = TimeSpan.FromMilliseconds(1) }, Activation = new() { Percent = 60, MaxFires = 30 } },
            new FaultRule { Id = "there", To = "api", Seed = 43, Side = FaultSide.Inbound, Order = 5, Fault = new Fault { Kind = FaultKinds.Header, Name = "x-a", Value = "b" }, Activation = new() { Percent = 50 } },
        ];
        var journals = new List<string>();
        for (var run = 0; run < 3; run++)
        {
            foreach (var rule in rules) mesh.Control.AddFault(rule);
            await mesh.Control.WaitForFaultsAsync(TestContext.Current.CancellationToken);
            // Both edges at once, and many requests of each: how they interleave is another matter every time.
            await Task.WhenAll(edges.SelectMany(edge => Enumerable.Range(0, 6).Select(_ => Task.Run(async () =>
            {
                for (var i = 0; i < Requests / 6; i++) await StatusAsync(mesh, edge);
            }))));
            FaultTally[] tallies = [];
            // Two edges of two rules at web; at api, what was not lost on the way there.
            await UntilAsync(
                () => Task.FromResult((tallies = [.. mesh.Control.GetFaultTallies()]).Count(t => t.Requests == Requests) == 4 && tallies.Where(t => t.Fault == "there").Sum(t => t.Requests) == (2 * Requests) - tallies.Where(t => t.Fault == "lost").Sum(t => t.Fires)),
                () => $"run {run}: {string.Join("; ", tallies.Select(t => $"{t.Fault} {t.From}->{t.To}.{t.Endpoint} at {t.Instance} {t.Requests} requests {t.Fires} fires"))}");
            journals.Add(string.Concat(tallies.OrderBy(t => (t.Fault, t.From, t.Endpoint)).Select(t => t.Journal())));
            mesh.Control.ClearFaults();
            await mesh.Control.WaitForFaultsAsync(TestContext.Current.CancellationToken);
        }

        Assert.Contains("lost web->api.http 1 ", journals[0]);
        Assert.Contains("lost web->api.admin 1 ", journals[0]);
        Assert.Contains("there web->api.http 1 ", journals[0]);
        Assert.All(journals, j => Assert.Equal(journals[0], j));
    }

    private static async Task<int> StatusAsync(RealMesh mesh, Uri edge)
    {
        using var response = await mesh.Client.GetAsync(edge);
        return (int)response.StatusCode;
    }

    private static async Task<int> StatusAsync(RealMesh mesh)
    {
        using var response = await mesh.Client.GetAsync("/");
        return (int)response.StatusCode;
    }

    private static async Task UntilAsync(Func<Task<bool>> holds, Func<string>? otherwise = null)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!await holds())
        {
            if (patience.IsCancellationRequested) Assert.Fail(otherwise?.Invoke() ?? "it did not come about in a minute");
            await Task.Delay(20, CancellationToken.None);
        }
    }
}
