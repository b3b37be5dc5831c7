using AspireMesh.Chaos.Documents;
using AspireMesh.Chaos.Experiments;
using AspireMesh.Protocol.Diagnostics;

namespace AspireMesh.Chaos.Tests;

public class DocumentTests
{
    private static Experiment Everything() => Experiment.Named("checkout survives")
        .Load(new LoadDocument { Resource = "frontend", Url = "/api/orders", Method = "POST", Body = "{}", Requests = 20, Rate = 10, Expect = new Tolerance { Status = "200-299,409", JsonPath = "items.0.price", JsonAtLeast = 1 } })
        .Seed(7)
        .Inject(ChaosEdge.Between("orders", "payments", "http"), Faults.DelayNormal(TimeSpan.FromMilliseconds(300), TimeSpan.FromMilliseconds(50)), o => o.Named("slow").OnPath("/pay").OnMethod("POST").OnHeader("x-tenant", "gold").OnBaggage("a", "b").Percent(30))
        .Step(s => s.Wait(TimeSpan.FromSeconds(1)).InParallel(
            a => a.Inject(ChaosEdge.Into("catalog"), Faults.Abort(500), o => o.First(3).RampOver(9)),
            b => b.Wait(TimeSpan.FromMilliseconds(1500)).Process(new ProcessDocument { Action = ProcessAction.Pause, Resource = "catalog", Instance = 1, For = TimeSpan.FromMinutes(2) })))
        .Hypothesis(h => h.SuccessRateAtLeast(0.99).LatencyBelow(99, TimeSpan.FromSeconds(2)).FiresAtLeast(1, "slow").EdgeFailuresAtMost(ChaosEdge.Between("orders", "payments"), 0).Answers("frontend", "/health", phase: Phase.After))
        .AbortWhen(new ClaimDocument { Kind = ClaimKind.SuccessRate, AtMost = 0.5 })
        .Within(new BlastRadius { Resources = ["payments", "catalog"], MaxPercent = 100, MaxFires = 50 });

    [Fact]
    public void An_experiment_becomes_a_document_and_comes_back_the_same()
    {
        var text = DocumentFormat.Write(Everything().ToDocument());

        var back = Experiment.From(DocumentFormat.Read(text, "file")).ToDocument();

        Assert.Equal(text, DocumentFormat.Write(back));
        Assert.Contains("\"delay\": \"300ms\"", text);
        Assert.Contains("\"wait\": \"1500ms\"", text);
        Assert.DoesNotContain("\"concurrency\"", text);
    }

    [Fact]
    public void A_short_document_has_every_default()
    {
        var document = DocumentFormat.Read("""
            { "name": "short", "load": { "url": "http://127.0.0.1:1/" }, // and a remark
              "hypothesis": [ { "kind": "successRate", "atLeast": 1 } ],
              "steps": [ { "inject": { "to": "api", "fault": { "kind": "delay", "delay": "00:00:02" } } } ] }
            """, "file");

        var inject = document.Steps.Single().Inject!;
        Assert.Equal((100, -1, TimeSpan.FromSeconds(2), TimeSpan.FromMinutes(5)), (inject.Activation.Percent, inject.Fault.GrpcStatus, inject.Fault.Delay, inject.TimeToLive));
        Assert.Equal((50, 4, 10, 1L), (document.Load!.Requests, document.Load.Concurrency, document.Load.Steady, document.Seed));
    }

    [Fact]
    public void Code_cannot_be_written_and_every_such_part_is_named()
    {
        var experiment = Everything().Load(_ => Task.FromResult(true)).Hypothesis(h => h.That("a table is full", _ => (true, ""))).AbortWhen("fire", _ => false).Step(s => s.Do("x", _ => Task.CompletedTask));

        var error = Assert.Throws<MeshValidationException>(() => experiment.ToDocument());

        Assert.Equal(4, error.Problems.Length);
    }

    [Theory]
    [InlineData("""{ "name": "", "load": null, "hypothesis": [] }""", "has no name", "has no load", "claims nothing")]
    [InlineData("""[1]""", "Write an object in { }")]
    [InlineData("""{ "name": "x" """, "is no JSON")]
    [InlineData("""{ "load": { "url": "/x", "rate": -1 }, "hypothesis": [ { "kind": "speed" } ] }""", "'name' is missing", "Write one of: successRate, latency, edge, fires, probe")]
    [InlineData("""{ "name": "x", "load": { "url": "/x", "rate": -1, "expect": { "status": "2xx", "bodyMatches": "(" } }, "hypothesis": [ { "kind": "latency" }, { "kind": "edge", "figure": "joy", "atMost": 1 }, { "kind": "fires", "fault": "none", "atLeast": 1 } ] }""",
        "no resource is named", "rate is -1", "'2xx' cannot be read", "'(' cannot be used", "a latency without a bound", "'joy' is not known", "no step has that id")]
    [InlineData("""{ "name": "x", "load": { "url": "http://a/" }, "hypothesis": [ { "kind": "successRate", "atLeast": 2 } ], "steps": [ {}, { "wait": "1s", "process": { "action": "kill" } }, { "inject": { "to": "api", "fault": { "kind": "melt" } } } ], "blastRadius": { "resources": ["web"], "maxPercent": 50 } }""",
        "atLeast is 2", "a step has 0 parts", "a step has 2 parts", "Kill of no resource", "'melt' is not known", "outside the blast radius", "allows 50")]
    public void A_bad_document_is_refused_with_all_its_problems_at_once(string text, params string[] expected)
    {
        var error = Assert.Throws<MeshValidationException>(() => DocumentFormat.Read(text, "file"));

        foreach (var part in expected) Assert.Contains(part, error.Message);
    }

    [Theory]
    [InlineData(200, "{\"items\":[{\"price\":7}]}", "200", null, "items.0.price", "7", true)]
    [InlineData(200, "{\"items\":[{\"price\":7}]}", "200", null, "items.1.price", null, false)]
    [InlineData(404, "gone", "200-299,404", "^gone$", null, null, true)]
    [InlineData(500, "", "200-299,404", null, null, null, false)]
    [InlineData(200, "hello", "200", "world", null, null, false)]
    [InlineData(200, "no json", "200", null, "a", null, false)]
    public void A_tolerance_is_compared_with_an_answer(int status, string body, string statuses, string? pattern, string? path, string? value, bool holds)
    {
        Assert.Equal(holds, Running.HttpProbe.Compare(status, body, new Tolerance { Status = statuses, BodyMatches = pattern, JsonPath = path, JsonValue = value }).Holds);
    }
}
