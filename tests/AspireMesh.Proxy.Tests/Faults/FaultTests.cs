using AspireMesh.Protocol.Faults;
using AspireMesh.Protocol.Policies;
using AspireMesh.Proxy.Faults;
using AspireMesh.Proxy.Faults.Kinds;
using AspireMesh.Proxy.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;

namespace AspireMesh.Proxy.Tests.Faults;

public class FaultTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly List<string> _fired = [];
    private readonly FaultRule _abort = new() { Id = "f1", To = "api", Fault = new Fault { Kind = FaultKinds.Abort, Status = 503 } };

    [Fact]
    public void Without_rules_for_an_edge_there_is_nothing_to_run()
    {
        Assert.Null(Compile());
        Assert.Null(Compile(_abort with { To = "other" }));
        Assert.Null(Compile(_abort with { From = "other" }));
        Assert.Null(Compile(_abort with { Endpoint = "grpc" }));
        Assert.Null(Compile(_abort with { Side = FaultSide.Inbound }));
        Assert.NotNull(Compile(_abort with { From = "web", Endpoint = "http" }));
    }

    [Fact]
    public void The_same_seed_gives_the_same_decisions_and_another_seed_others()
    {
        var half = _abort with { Seed = 42, Activation = new() { Percent = 50 } };
        var one = Sequence(half);
        Assert.Equal(Decisions(one), Decisions(Sequence(half)));
        Assert.NotEqual(Decisions(one), Decisions(Sequence(half with { Seed = 43 })));
        Assert.InRange(Enumerable.Range(1, 10_000).Count(n => one.Fires(n)), 4800, 5200);
    }

    [Theory]
    [InlineData("first", "xxx.......")]
    [InlineData("skip", "...xxxxxxx")]
    [InlineData("every", "..x..x..x.")]
    [InlineData("burst", "xx..xx..xx")]
    [InlineData("skip and first", "..xxx.....")]
    public void Activation_chooses_by_ordinal(string which, string expected)
    {
        FaultActivation activation = which switch
        {
            "first" => new() { First = 3 },
            "skip" => new() { Skip = 3 },
            "every" => new() { EveryNth = 3 },
            "burst" => new() { BurstLength = 2, BurstPeriod = 4 },
            _ => new() { Skip = 2, First = 3 },
        };
        var sequence = Sequence(_abort with { Activation = activation });
        Assert.Equal(expected, string.Concat(Enumerable.Range(1, 10).Select(n => sequence.Fires(n) ? 'x' : '.')));
    }

    [Fact]
    public void A_ramp_grows_to_its_share()
    {
        var sequence = Sequence(_abort with { Activation = new() { Percent = 100, RampRequests = 10_000 } });
        Assert.InRange(Enumerable.Range(1, 1000).Count(n => sequence.Fires(n)), 20, 90);
        Assert.InRange(Enumerable.Range(9001, 999).Count(n => sequence.Fires(n)), 900, 999);
        Assert.True(sequence.Fires(10_000));
    }

    [Fact]
    public async Task It_fires_at_most_so_often_also_over_a_snapshot_change_and_each_firing_is_counted()
    {
        var rule = _abort with { Activation = new() { MaxFires = 3 } };
        var faults = Compile(rule)!;
        Assert.Equal(2, await Ended(faults, 2));
        faults = EdgeFaults.Compile([rule], FaultSide.Outbound, new FaultEdge("web", "api", "http"), faults, new FaultServices(_time, (rule, _) => _fired.Add(rule.Id), _ => { }))!;
        Assert.Equal(1, await Ended(faults, 10));
        Assert.Equal(["f1", "f1", "f1"], _fired);
    }

    [Fact]
    public async Task Decisions_are_the_same_bytes_for_the_same_seed_however_requests_race()
    {
        var rule = _abort with { Seed = 9, Activation = new() { Percent = 30, MaxFires = 50 } };
        var journals = new List<string>();
        for (var run = 0; run < 3; run++)
        {
            FaultCounts? counts = null;
            var faults = EdgeFaults.Compile([rule], FaultSide.Outbound, new FaultEdge("web", "api", "http"), null, new FaultServices(_time, (_, _) => { }, c => counts = c))!;
            await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => Ended(faults, 50))));
            var tally = counts!.Read();
            Assert.Equal((400, 50), (tally.Requests, tally.Fires));
            journals.Add(tally.Journal());
        }

        Assert.Equal(400, journals[0].Count(c => c == '\n'));
        Assert.All(journals, j => Assert.Equal(journals[0], j));
    }

    [Fact]
    public void The_ledger_is_bounded_and_a_rule_put_on_again_begins_again()
    {
        var ledger = new FaultLedger();
        for (var i = 0; i < FaultLedger.Most + 5; i++) ledger.Add(Counts($"f{i}"));
        Assert.Equal(FaultLedger.Most, ledger.Read().Length);
        Assert.Equal("f5", ledger.Read()[0].Fault);
        Assert.True(ledger.HasNews());
        Assert.False(ledger.HasNews());
        var again = Counts("f5");
        again.Take(_ => true, 0, out _);
        ledger.Add(again);
        Assert.Equal(("f5", 1L), (ledger.Read()[^1].Fault, ledger.Read()[^1].Fires));
        Assert.Equal(FaultLedger.Most, ledger.Read().Length);
        for (var i = 0; i < FaultTally.MostDecisions + 10; i++) again.Take(_ => false, 0, out _);
        Assert.Equal((FaultTally.MostDecisions, FaultTally.MostDecisions + 11L), (again.Read().Decisions.Length, again.Read().Requests));

        FaultCounts Counts(string id) => new(_abort with { Id = id }, new FaultEdge("web", "api", "http"));
    }

    [Fact]
    public void A_rule_put_on_again_is_news_even_when_it_comes_to_the_same_number_as_before()
    {
        var ledger = new FaultLedger();
        for (var run = 0; run < 3; run++)
        {
            var counts = new FaultCounts(_abort, new FaultEdge("web", "api", "http"));
            ledger.Add(counts);
            for (var i = 0; i < 120; i++) counts.Take(_ => true, 0, out _);
            Assert.True(ledger.HasNews());
            Assert.False(ledger.HasNews());
        }
    }

    [Fact]
    public async Task It_ends_by_itself_without_the_control_plane()
    {
        var faults = Compile(_abort with { ExpiresAt = _time.GetUtcNow().AddSeconds(60) })!;
        Assert.Equal(1, await Ended(faults, 1));
        _time.Advance(TimeSpan.FromSeconds(60));
        Assert.Equal(0, await Ended(faults, 1));
    }

    [Fact]
    public void Only_matching_requests_take_an_ordinal()
    {
        var faults = Compile(_abort with { Match = new RouteMatch { Methods = ["GET"] }, Activation = new() { EveryNth = 2 } })!;
        var effects = new List<bool>();
        foreach (var method in new[] { "GET", "POST", "POST", "GET" })
        {
            var context = new DefaultHttpContext();
            context.Request.Method = method;
            effects.Add(faults.Decide(FaultStage.Request, context.Request, CallerIdentity.Unknown) is not null);
        }

        Assert.Equal([false, false, false, true], effects);
    }

    [Fact]
    public async Task A_delay_waits_on_the_clock_and_ends_with_the_attempt()
    {
        var faults = Compile(_abort with { Fault = new Fault { Kind = FaultKinds.Delay, Delay = TimeSpan.FromSeconds(3) } })!;
        var waiting = Before(faults, default);
        Assert.False(waiting.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal(FaultEffect.None with { Delayed = true }, await waiting);
        using var attempt = new CancellationTokenSource();
        var cut = Before(faults, attempt.Token);
        await attempt.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cut);
    }

    [Theory]
    [InlineData("fixed", 100, 100)]
    [InlineData("uniform", 97, 103)]
    [InlineData("normal", 97, 103)]
    [InlineData("pareto", 85, 115)]
    public void Each_distribution_has_the_mean_it_was_given(string distribution, double low, double high)
    {
        var delay = new DelayFault(new Fault { Kind = FaultKinds.Delay, Delay = TimeSpan.FromMilliseconds(100), Jitter = TimeSpan.FromMilliseconds(20), Distribution = distribution });
        var chance = new AspireMesh.Proxy.Outbound.Chance(5);
        var mean = Enumerable.Range(0, 20_000).Average(n => delay.Length(new FaultFiring(n, chance.NextDouble(), chance.NextDouble())).TotalMilliseconds);
        Assert.InRange(mean, low, high);
    }

    [Fact]
    public void Every_kind_in_the_list_can_be_executed() => Assert.All(FaultKinds.All, kind => Assert.True(FaultKindTable.Knows(kind), kind));

    private EdgeFaults? Compile(params FaultRule[] rules) =>
        EdgeFaults.Compile([.. rules], FaultSide.Outbound, new FaultEdge("web", "api", "http"), null, new FaultServices(_time, (rule, _) => _fired.Add(rule.Id), _ => { }));

    private FaultSequence Sequence(FaultRule rule) => new(rule, new FaultEdge("web", "api", "http"), new FaultServices(_time, (rule, _) => _fired.Add(rule.Id), _ => { }), null);

    private static string Decisions(FaultSequence sequence) => string.Concat(Enumerable.Range(1, 200).Select(n => sequence.Fires(n) ? 'x' : '.'));

    private static async Task<int> Ended(EdgeFaults faults, int requests)
    {
        var ended = 0;
        for (var i = 0; i < requests; i++)
            if (faults.Decide(FaultStage.Request, new DefaultHttpContext().Request, CallerIdentity.Unknown) is { } fired && (await fired.BeforeAsync(default)).Ends) ended++;
        return ended;
    }

    private static Task<FaultEffect> Before(EdgeFaults faults, CancellationToken cancellation) => faults.Decide(FaultStage.Request, null, CallerIdentity.Unknown)!.BeforeAsync(cancellation).AsTask();
}
