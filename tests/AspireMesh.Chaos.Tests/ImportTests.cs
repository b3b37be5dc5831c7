using AspireMesh.Chaos.Campaigns;
using AspireMesh.Chaos.Documents;
using AspireMesh.Chaos.Experiments;
using AspireMesh.Chaos.Imports;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Faults;

namespace AspireMesh.Chaos.Tests;

public class ImportTests
{
    [Fact]
    public void An_experiment_of_the_Chaos_Toolkit_becomes_one_of_ours()
    {
        var document = DocumentFormat.Read("""
            { "title": "the shop stays up", "description": "d",
              "steady-state-hypothesis": { "title": "up", "probes": [
                { "type": "probe", "name": "page", "tolerance": 200, "provider": { "type": "http", "url": "http://127.0.0.1:1/", "timeout": 3 } },
                { "type": "probe", "name": "stock", "tolerance": { "type": "jsonpath", "path": "$.levels.lamp", "expect": [40] }, "provider": { "type": "http", "url": "http://127.0.0.1:1/stock" } } ] },
              "method": [
                { "type": "action", "name": "slow", "pauses": { "after": 5 }, "provider": { "type": "python", "module": "chaosistio.fault.actions", "func": "add_delay_fault", "arguments": { "virtual_service_name": "payments", "fixed_delay": "2s", "percentage": 50 } } },
                { "type": "action", "name": "kill", "provider": { "type": "python", "module": "chaosk8s.pod.actions", "func": "terminate_pods", "arguments": { "label_selector": "app=inventory" } } } ],
              "rollbacks": [ { "type": "action", "name": "undo", "provider": { "type": "python", "module": "chaosistio.fault.actions", "func": "remove_delay_fault" } } ] }
            """, "toolkit.json");

        Assert.Equal(("the shop stays up", "http://127.0.0.1:1/"), (document.Name, document.Load!.Url));
        Assert.Equal([Phase.Before, Phase.Before, Phase.After, Phase.After], document.Hypothesis.Select(h => h.Phase));
        Assert.Equal(("levels.lamp", "40"), (document.Hypothesis[1].Expect.JsonPath, document.Hypothesis[1].Expect.JsonValue));
        var slow = document.Steps[0].Inject!;
        Assert.Equal(("payments", TimeSpan.FromSeconds(2), 50), (slow.To, slow.Fault.Delay, slow.Activation.Percent));
        Assert.Equal(TimeSpan.FromSeconds(5), document.Steps[1].Wait);
        Assert.Equal((ProcessAction.Kill, "inventory", 0), (document.Steps[2].Process!.Action, document.Steps[2].Process!.Resource, document.Steps[2].Process!.Instance));
    }

    [Fact]
    public void What_cannot_be_taken_over_is_named_all_of_it()
    {
        var error = Assert.Throws<MeshValidationException>(() => ChaosToolkit.Read("""
            { "title": "x", "steady-state-hypothesis": { "probes": [ { "name": "p", "provider": { "type": "process", "path": "ls" } }, { "name": "q", "tolerance": { "type": "probe" }, "provider": { "type": "http", "url": "http://a/" } } ] },
              "method": [ { "type": "action", "name": "fill", "provider": { "type": "python", "module": "m", "func": "fill_disk" } }, { "type": "probe", "name": "r" } ],
              "rollbacks": [ { "name": "call mother", "provider": { "func": "call" } } ] }
            """, "file"));

        foreach (var part in new[] { "asks a process", "has the tolerance", "calls m fill_disk", "'r' is a probe between actions", "'call mother'" }) Assert.Contains(part, error.Message);
    }

    [Fact]
    public void Toxics_keep_their_names_values_direction_and_toxicity()
    {
        var (latency, half) = ToxicNames.Read("latency", new Dictionary<string, double> { ["latency"] = 300, ["jitter"] = 50 }, 0.5, "upstream");
        Assert.Equal((FaultKinds.Delay, TimeSpan.FromMilliseconds(300), TimeSpan.FromMilliseconds(50), "uniform", "request"), (latency.Kind, latency.Delay, latency.Jitter, latency.Distribution, latency.Direction));
        Assert.Equal(50, half.Percent);
        var expected = new Dictionary<string, string>
        {
            ["latency"] = "delay", ["down"] = "refuse", ["bandwidth"] = "bandwidth", ["slow_close"] = "slow-close", ["timeout"] = "black-hole", ["reset_peer"] = "reset", ["slicer"] = "slicer", ["limit_data"] = "byte-limit",
        };
        Assert.Equal(expected, ToxicNames.All.ToDictionary(n => n, n => ToxicNames.Read(n, new Dictionary<string, double>()).Fault.Kind));
        Assert.Equal(64_000, ToxicNames.Read("bandwidth", new Dictionary<string, double> { ["rate"] = 64 }).Fault.BytesPerSecond);
        Assert.Equal(3, Assert.Throws<MeshValidationException>(() => ToxicNames.Read("poison", new Dictionary<string, double> { ["x"] = -1 }, 1, "sideways")).Problems.Length);
    }

    [Fact]
    public void A_campaign_draws_the_same_experiments_from_the_same_seed_and_freezes_them()
    {
        ChaosEdge[] edges = [ChaosEdge.Between("web", "api", "http"), ChaosEdge.Between("orders", "payments", "http"), ChaosEdge.Between("api", "db", "tcp")];
        var load = new LoadDocument { Url = "http://127.0.0.1:1/" };
        ClaimDocument[] claim = [new ClaimDocument { Kind = ClaimKind.SuccessRate, AtLeast = 0.9 }];

        string[] Draw(long seed, IEnumerable<ChaosEdge> from) => [.. Enumerable.Range(0, 20).Select(i => DocumentFormat.Write(new Campaign(seed, from, load, claim).Freeze(i, faults: 2)))];

        var drawn = Draw(11, edges);
        Assert.Equal(drawn, Draw(11, edges.Reverse()));
        Assert.True(drawn.Distinct().Count() > 15);
        Assert.NotEqual(drawn, Draw(12, edges));
        Assert.Equal(drawn[3], DocumentFormat.Write(DocumentFormat.Read(drawn[3], "frozen")));
        Assert.All(edges, e => Assert.Contains(drawn, d => d.Contains($"\"to\": \"{e.To}\"", StringComparison.Ordinal)));
    }
}
