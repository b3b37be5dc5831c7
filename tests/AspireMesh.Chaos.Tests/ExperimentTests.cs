using System.Text.Json;
using System.Xml.Linq;
using AspireMesh.Chaos.Experiments;
using AspireMesh.Chaos.Reports;
using AspireMesh.Protocol.Faults;
using Microsoft.Extensions.Time.Testing;

namespace AspireMesh.Chaos.Tests;

public class ExperimentTests
{
    private readonly FakeMesh _mesh = new();

    private Experiment SlowPayments() => Experiment.Named("checkout survives payments that answer 503")
        .Load(_mesh.CallAsync, requests: 20, concurrency: 2, steady: 3)
        .Inject(ChaosEdge.Between("orders", "payments"), Faults.Abort(503), o => o.Percent(50))
        .Hypothesis(h => h.SuccessRateAtLeast(0.99).SuccessRateAtLeast(1, Phase.After));

    [Fact]
    public async Task A_hypothesis_that_holds_is_held_and_leaves_no_fault()
    {
        var result = await SlowPayments().RunAsync(_mesh.Open());
        Assert.Equal(Verdict.Held, result.Verdict);
        result.EnsureHeld();
        Assert.Empty(_mesh.Faults);
        Assert.Equal((3, 20, 3), (result.Measurements[Phase.Before].Count, result.Measurements[Phase.During].Count, result.Measurements[Phase.After].Count));
    }

    [Fact]
    public async Task Without_its_protection_the_same_experiment_fails_and_says_what_was_found()
    {
        _mesh.Protected = false;
        var result = await SlowPayments().RunAsync(_mesh.Open());
        Assert.Equal(Verdict.Failed, result.Verdict);
        var error = Assert.Throws<ExperimentFailedException>(result.EnsureHeld);
        Assert.Contains("success rate is at least", error.Message);
        Assert.Contains("of 20 calls", error.Message);
        Assert.Empty(_mesh.Faults);
    }

    [Fact]
    public async Task A_system_that_is_broken_before_the_first_fault_proves_nothing()
    {
        var result = await Experiment.Named("x").Load(_ => Task.FromResult(false)).Inject(ChaosEdge.Into("payments"), Faults.Abort()).RunAsync(_mesh.Open());
        Assert.Equal(Verdict.NotSteady, result.Verdict);
        Assert.Empty(_mesh.Removed);
    }

    [Fact]
    public async Task An_abort_condition_ends_it_at_once_and_rolls_back()
    {
        _mesh.Protected = false;
        var result = await SlowPayments().AbortWhen("more than one failure", m => m.Samples.Count(s => !s.Succeeded) > 1).RunAsync(_mesh.Open());
        Assert.Equal(Verdict.Aborted, result.Verdict);
        Assert.Contains("more than one failure", result.AbortReason);
        Assert.True(result.Measurements[Phase.During].Count < 20);
        Assert.Empty(_mesh.Faults);
    }

    [Fact]
    public async Task Cancellation_rolls_back_too()
    {
        using var cancel = new CancellationTokenSource();
        var calls = 0;
        var experiment = Experiment.Named("x")
            .Load(token => Interlocked.Increment(ref calls) == 15 ? CancelNow(token) : _mesh.CallAsync(token), requests: 100, concurrency: 1, steady: 5)
            .Inject(ChaosEdge.Into("payments"), Faults.Abort());
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => experiment.RunAsync(_mesh.Open(), cancellationToken: cancel.Token));
        Assert.Empty(_mesh.Faults);
        Assert.Single(_mesh.Removed);

        Task<bool> CancelNow(CancellationToken token)
        {
            cancel.Cancel();
            return Task.FromCanceled<bool>(token);
        }
    }

    [Fact]
    public async Task A_load_that_throws_counts_as_a_failed_call()
    {
        var calls = 0;
        var result = await Experiment.Named("x").Load(_ => Interlocked.Increment(ref calls) > 3 ? throw new HttpRequestException("503") : Task.FromResult(true), requests: 4, concurrency: 1, steady: 3)
            .Hypothesis(h => h.SuccessRateAtMost(0)).RunAsync(_mesh.Open());
        Assert.True(result.Checks.Single().Holds);
    }

    [Fact]
    public async Task The_same_seed_gives_the_same_decisions_and_faults_of_one_experiment_differ()
    {
        async Task<string> Decisions()
        {
            var result = await SlowPayments().Inject(ChaosEdge.Into("cache"), Faults.Delay(TimeSpan.FromSeconds(1))).Seed(7).RunAsync(_mesh.Open());
            Assert.Equal(2, result.Faults.Select(f => f.Seed).Distinct().Count());
            return JsonDocument.Parse(ExperimentReport.ToJournal(result)).RootElement.GetProperty("decisions").GetRawText();
        }
        var first = await Decisions();
        Assert.Equal(first, await Decisions());
        Assert.Equal(first, await Decisions());
    }

    [Fact]
    public async Task Faults_end_by_themselves_and_with_their_session()
    {
        var time = new FakeTimeProvider();
        await using (var session = _mesh.Open(time))
        {
            var fault = await session.InjectAsync(ChaosEdge.Between("a", "b", "http"), Faults.Delay(TimeSpan.FromSeconds(1)), o => o.OnPath("/pay").OnMethod("POST").OnHeader("x-tenant", "gold").EveryNth(3).Exactly(2));
            Assert.Equal(time.GetUtcNow() + TimeSpan.FromMinutes(5), fault.Rule.ExpiresAt);
            Assert.Equal(("a", "b", "http"), (fault.Rule.From, fault.Rule.To, fault.Rule.Endpoint));
            Assert.Equal(new FaultActivation { EveryNth = 3, MaxFires = 2 }, fault.Rule.Activation);
            Assert.Equal(["POST"], fault.Rule.Match!.Methods);
        }
        Assert.Empty(_mesh.Faults);
    }

    [Fact]
    public async Task Reports_say_the_verdict_for_people_and_for_CI()
    {
        _mesh.Protected = false;
        var result = await SlowPayments().RunAsync(_mesh.Open());
        var suite = XDocument.Parse(ExperimentReport.ToJUnit([result])).Root!.Element("testsuite")!;
        Assert.Equal(("2", "1"), (suite.Attribute("tests")!.Value, suite.Attribute("failures")!.Value));
        var page = ExperimentReport.ToMarkdown(result);
        Assert.Contains("**Failed** (seed 1)", page);
        Assert.Contains("**does not hold**", page);
        Assert.Contains("| abort | orders -> payments | not counted |", page);
        Assert.Contains("x", page[page.IndexOf("```", StringComparison.Ordinal)..]);
    }
}
