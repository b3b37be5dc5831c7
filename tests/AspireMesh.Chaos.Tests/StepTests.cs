using System.Globalization;
using AspireMesh.Chaos.Documents;
using AspireMesh.Chaos.Experiments;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Faults;

namespace AspireMesh.Chaos.Tests;

public class StepTests
{
    private readonly FakeMesh _mesh = new();

    [Fact]
    public async Task What_was_done_is_undone_the_last_first_and_one_failure_keeps_nothing_else_in_force()
    {
        var order = new List<string>();
        var experiment = Experiment.Named("x").Load(_mesh.CallAsync, requests: 1, concurrency: 1, steady: 1)
            .Step(s => s.Do("a", _ => Said("do a"), () => Said("undo a")).Inject(ChaosEdge.Into("api"), Faults.Delay(TimeSpan.FromSeconds(1))).Do("b", _ => Said("do b"), () => throw new InvalidOperationException("b sticks")));

        await Assert.ThrowsAsync<AggregateException>(() => experiment.RunAsync(_mesh.Open()));

        Assert.Equal(["do a", "do b", "undo a"], order);
        Assert.Empty(_mesh.Faults);

        Task Said(string what)
        {
            order.Add(what);
            return Task.CompletedTask;
        }
    }

    [Fact]
    public async Task How_often_a_fault_fired_is_waited_for_and_others_do_not_count()
    {
        await using var session = _mesh.Open();
        await using var fault = await session.InjectAsync(ChaosEdge.Into("api"), Faults.Reset(), o => o.Between(3, 5).AtCallee().WithSeed(9).InOrder(2).EndingAfter(TimeSpan.FromMinutes(1)));
        Assert.Equal((2L, 3L, FaultSide.Inbound, 9L, 2), (fault.Rule.Activation.Skip, fault.Rule.Activation.First, fault.Rule.Side, fault.Rule.Seed, fault.Rule.Order));
        _mesh.Tallies.Add(Tally("another", 7));
        Assert.Equal(0, await fault.CountFiresAsync());
        var waiting = fault.WaitForFiresAsync(3);
        _mesh.Tallies.AddRange([Tally(fault.Rule.Id, 1), Tally(fault.Rule.Id, 2)]);
        await waiting;

        static FaultTally Tally(string id, long fires) => new() { Fault = id, Kind = "reset", To = "api", Fires = fires };
    }

    [Fact]
    public async Task Rows_run_at_once_and_a_fault_with_a_time_leaves_before_the_end()
    {
        var both = new Barrier(2);
        var seen = new List<int>();
        var experiment = Experiment.Named("x").Load(_mesh.CallAsync, requests: 1, concurrency: 1, steady: 1)
            .Step(s => s
                .InParallel(a => a.Do("a", _ => MeetAsync()), b => b.Do("b", _ => MeetAsync()))
                .InParallel(a => a.Inject(ChaosEdge.Into("api"), Faults.Delay(TimeSpan.FromSeconds(1)), o => o.For = TimeSpan.FromMilliseconds(1)), b => b.Inject(ChaosEdge.Into("db"), Faults.Delay(TimeSpan.FromSeconds(1))))
                .Do("look", _ => { seen.Add(_mesh.Faults.Count); return Task.CompletedTask; }));

        var result = await experiment.RunAsync(_mesh.Open());

        Assert.Equal(Verdict.Held, result.Verdict);
        Assert.Equal([1], seen);
        Assert.Equal(2, result.Faults.Length);
        Assert.Empty(_mesh.Faults);

        Task MeetAsync() => Task.Run(() => Assert.True(both.SignalAndWait(TimeSpan.FromSeconds(60))));
    }

    [Fact]
    public async Task An_abort_condition_ends_calls_that_hang()
    {
        var hang = false;
        var experiment = Experiment.Named("x")
            .Load(async token => { if (hang) await Task.Delay(Timeout.InfiniteTimeSpan, token); return true; }, requests: 5, concurrency: 1, steady: 1)
            .Step(s => s.Do("hang", _ => { hang = true; return Task.CompletedTask; }, () => { hang = false; return Task.CompletedTask; }))
            .AbortWhen(new ClaimDocument { Kind = ClaimKind.Fires, AtLeast = 3 });
        _mesh.Tallies.Add(new FaultTally { Fault = "test-1", Kind = "delay", To = "api", Fires = 3 });

        var result = await experiment.RunAsync(_mesh.Open());

        Assert.Equal(Verdict.Aborted, result.Verdict);
        Assert.Contains("all faults fired at least 3 times, found 3", result.AbortReason);
    }

    [Fact]
    public async Task Steps_that_are_in_force_too_long_are_aborted()
    {
        var experiment = Experiment.Named("x").Load(_mesh.CallAsync, requests: 1, concurrency: 1, steady: 1).Step(s => s.Wait(TimeSpan.FromHours(1))).Within(new BlastRadius { MaxTime = TimeSpan.FromMilliseconds(1) });

        Assert.Equal(Verdict.Aborted, (await experiment.RunAsync(_mesh.Open())).Verdict);
    }

    [Fact]
    public async Task The_blast_radius_is_looked_at_before_anything_is_done()
    {
        var experiment = Experiment.Named("x").Load(_mesh.CallAsync).Inject(ChaosEdge.Into("payments"), Faults.Abort()).Within(new BlastRadius { Resources = ["catalog"], MaxPercent = 10 });

        var error = await Assert.ThrowsAsync<MeshValidationException>(() => experiment.RunAsync(_mesh.Open()));

        Assert.Equal(2, error.Problems.Length);
        Assert.Empty(_mesh.Removed);
    }

    [Fact]
    public async Task A_session_holds_a_lease_under_its_name_and_its_faults_carry_it()
    {
        await using var session = _mesh.Open();
        var fault = await session.InjectAsync(ChaosEdge.Into("api"), Faults.Abort());

        Assert.Equal("test", fault.Rule.Owner);
        Assert.InRange(_mesh.Leases["test"], 1, 60);
    }

    [Theory]
    [InlineData(ProcessAction.Cpu, 2)]
    [InlineData(ProcessAction.Memory, 64)]
    public async Task Pressure_on_the_machine_is_made_and_ended(ProcessAction action, int amount)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "looks at processes in /proc");
        var undo = await Running.MachinePressure.StartAsync(new ProcessDocument { Action = action, Amount = amount })!;
        await UntilAsync(() => action == ProcessAction.Cpu ? Descendants().Count(p => Field(p, "State:").StartsWith('R')) >= amount : Descendants().Any(p => Kilobytes(p) >= amount * 1024), "the pressure is there");
        var made = Descendants();
        await undo();
        await UntilAsync(() => !Descendants().Intersect(made).Any(), "the pressure is gone");
    }

    private static int[] Descendants()
    {
        var parents = Directory.GetDirectories("/proc").Where(d => int.TryParse(Path.GetFileName(d), out _)).Select(d => int.Parse(Path.GetFileName(d), CultureInfo.InvariantCulture))
            .Where(p => Field(p, "State:") is { Length: > 0 } state && !state.StartsWith('Z')).ToDictionary(p => p, p => int.TryParse(Field(p, "PPid:"), out var parent) ? parent : 0);
        var found = new List<int> { Environment.ProcessId };
        for (var i = 0; i < found.Count; i++) found.AddRange(parents.Where(p => p.Value == found[i]).Select(p => p.Key));
        return [.. found.Skip(1)];
    }

    private static long Kilobytes(int pid) => long.TryParse(Field(pid, "VmRSS:").Split(' ')[0], out var found) ? found : 0;

    private static string Field(int pid, string name)
    {
        try
        {
            return File.ReadLines($"/proc/{pid}/status").FirstOrDefault(l => l.StartsWith(name, StringComparison.Ordinal))?[name.Length..].Trim() ?? "";
        }
        catch (IOException)
        {
            // It ended while it was looked at.
            return "";
        }
    }

    private static async Task UntilAsync(Func<bool> holds, string what)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (!holds())
        {
            if (limit.IsCancellationRequested) Assert.Fail($"It never came to this: {what}.");
            await Task.Delay(20, CancellationToken.None);
        }
    }
}
