using System.Collections.Immutable;
using AspireMesh.Chaos.Documents;
using AspireMesh.Chaos.Experiments;
using AspireMesh.Protocol.Admin;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Faults;
using CheckResult = AspireMesh.Chaos.Experiments.CheckResult;

namespace AspireMesh.Chaos.Running;

/// <summary>One run of an experiment, from the steady state before to the steady state after.</summary>
internal sealed class ExperimentRun : IDisposable
{
    private static readonly TimeSpan AbortInterval = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LongestInForce = TimeSpan.FromMinutes(10);

    private readonly Experiment _experiment;
    private readonly ChaosSession _chaos;
    private readonly TimeProvider _time;
    private readonly LoadDocument _load;
    private readonly HttpProbe _probe;
    private readonly LoadRun _calls;
    private readonly EdgeFigures _edges;
    private readonly List<CheckResult> _checks = [];
    private ImmutableSortedDictionary<Phase, Measurement> _measurements = ImmutableSortedDictionary<Phase, Measurement>.Empty;
    private ImmutableArray<FaultTally> _tallies = [];
    private string? _aborted;

    public ExperimentRun(Experiment experiment, ChaosSession chaos, TimeProvider time)
    {
        (_experiment, _chaos, _time, _load) = (experiment, chaos, time, experiment.WrittenLoad!);
        _probe = new HttpProbe(chaos.Surroundings);
        _edges = new EdgeFigures(chaos.Controller, time);
        var call = experiment.Call;
        if (call is null && _load.Observe is null)
        {
            var address = _probe.Address(_load.Url, _load.Resource, _load.Endpoint);
            call = token => _probe.CallAsync(_load, address, token);
        }
        _calls = new LoadRun(call ?? (_ => Task.FromResult(true)), time, _load.Concurrency, _load.Rate);
    }

    public async Task<ExperimentResult> RunAsync(CancellationToken cancellationToken)
    {
        if (!await SteadyAsync(Phase.Before, cancellationToken).ConfigureAwait(false)) return Result(Verdict.NotSteady, NotSteady(), []);
        var steps = new StepRun(_chaos, _experiment.SeedValue, _experiment.Radius, _time);
        var measured = new Measurement([]);
        var probed = new Dictionary<Check, (bool, string)>();
        try
        {
            if (NeedsEdges(Phase.During)) await _edges.BeginAsync(cancellationToken).ConfigureAwait(false);
            measured = await InForceAsync(steps, cancellationToken).ConfigureAwait(false);
            // What is asked of the system has to be asked before it is whole again.
            if (_aborted is null) probed = await ProbeAsync(Phase.During, measured, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            // Not with the caller's token: a cancelled experiment leaves nothing behind.
            await steps.RollbackAsync().ConfigureAwait(false);
        }
        // A sidecar reports before it says that it obeys, so the counts of a fault that is out are complete.
        await ReadTalliesAsync(steps.Rules, cancellationToken).ConfigureAwait(false);
        measured = measured.With(faults: _tallies);
        if (_aborted is null && NeedsEdges(Phase.During) && measured.Observed is null) measured = measured.With(await _edges.EndAsync(cancellationToken).ConfigureAwait(false));
        await JudgeAsync(Phase.During, measured, probed, cancellationToken).ConfigureAwait(false);
        if (_aborted is not null) return Result(Verdict.Aborted, $"aborted: {_aborted}", steps.Rules);
        await SteadyAsync(Phase.After, cancellationToken).ConfigureAwait(false);
        return Result(_checks.All(c => c.Holds) ? Verdict.Held : Verdict.Failed, null, steps.Rules);
    }

    public void Dispose() => _probe.Dispose();

    private async Task<bool> SteadyAsync(Phase phase, CancellationToken cancellationToken)
    {
        if (NeedsEdges(phase)) await _edges.BeginAsync(cancellationToken).ConfigureAwait(false);
        var measured = _load.Observe is { } observe
            ? await ObserveAsync(observe, observe.Steady, cancellationToken).ConfigureAwait(false)
            : await _calls.MeasureAsync(_load.Steady, null, cancellationToken).ConfigureAwait(false);
        if (NeedsEdges(phase) && measured.Observed is null) measured = measured.With(await _edges.EndAsync(cancellationToken).ConfigureAwait(false));
        var probed = await ProbeAsync(phase, measured, cancellationToken).ConfigureAwait(false);
        // A call that fails before any fault was there means that what comes later proves nothing.
        return await JudgeAsync(phase, measured, probed, cancellationToken).ConfigureAwait(false) && (phase != Phase.Before || measured.SuccessRate == 1);
    }

    /// <summary>Steps, load and abort conditions at once; ends when steps and load have, or an abort condition ends them.</summary>
    private async Task<Measurement> InForceAsync(StepRun steps, CancellationToken cancellationToken)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var watching = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var watch = WatchAsync(ending, watching.Token);
        var stepping = steps.RunAsync(_experiment.Steps, ending.Token);
        try
        {
            await steps.InForce.ConfigureAwait(false);
            var measuring = _load.Observe is { } observe ? ObserveAsync(observe, observe.Time, ending.Token) : _calls.MeasureAsync(_load.Requests, IsUnsafe, ending.Token);
            await Task.WhenAll(stepping, measuring).ConfigureAwait(false);
            return await measuring.ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_aborted is not null && !cancellationToken.IsCancellationRequested)
        {
            return _calls.SoFar;
        }
        finally
        {
            await ending.CancelAsync().ConfigureAwait(false);
            await stepping.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await watching.CancelAsync().ConfigureAwait(false);
            await watch.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private bool IsUnsafe(Measurement measured)
    {
        if (_experiment.CodeAborts.Where(a => a.Unsafe(measured)).Select(a => a.Name).FirstOrDefault() is not { } name) return false;
        _aborted ??= name;
        return true;
    }

    private async Task WatchAsync(CancellationTokenSource ending, CancellationToken cancellationToken)
    {
        var began = _time.GetTimestamp();
        var longest = _experiment.Radius?.MaxTime ?? LongestInForce;
        using var timer = new PeriodicTimer(AbortInterval, _time);
        while (_aborted is null && await timer.WaitForNextTickAsync(cancellationToken).ConfigureAwait(false))
        {
            if (_time.GetElapsedTime(began) > longest) _aborted ??= $"in force longer than {longest.TotalSeconds:0} s";
            foreach (var abort in _experiment.Aborts)
            {
                try
                {
                    var (holds, found) = await LookAsync(abort, cancellationToken).ConfigureAwait(false);
                    if (holds) _aborted ??= $"{abort.Name}, found {found}";
                }
                catch (MeshValidationException e)
                {
                    // Who cannot see whether it is still safe does not go on.
                    _aborted ??= $"'{abort.Name}' cannot be looked at: {e.Message}";
                }
            }
        }
        await ending.CancelAsync().ConfigureAwait(false);
    }

    private async Task<(bool Holds, string Found)> LookAsync(Check abort, CancellationToken cancellationToken)
    {
        var claim = abort.Document!;
        if (claim.Kind == ClaimKind.Probe) return await _probe.AskAsync(claim, cancellationToken).ConfigureAwait(false);
        var measured = _calls.SoFar;
        if (claim.Kind == ClaimKind.Edge) measured = measured.With(await _edges.SoFarAsync(cancellationToken).ConfigureAwait(false));
        if (claim.Kind == ClaimKind.Fires) measured = measured.With(faults: Own(await _chaos.Controller.TalliesAsync(cancellationToken).ConfigureAwait(false)));
        return Claims.Evaluate(claim, measured);
    }

    private async Task<Measurement> ObserveAsync(ObserveDocument observe, TimeSpan length, CancellationToken cancellationToken)
    {
        await _edges.BeginAsync(cancellationToken).ConfigureAwait(false);
        await Task.Delay(length, _time, cancellationToken).ConfigureAwait(false);
        var edges = await _edges.EndAsync(cancellationToken).ConfigureAwait(false);
        var own = edges.Where(e => e.From == observe.From && e.To == observe.To && (observe.Endpoint is null || e.Endpoint == observe.Endpoint)).ToList();
        var sum = new EdgeStatus
        {
            From = observe.From,
            To = observe.To,
            Endpoint = observe.Endpoint ?? "",
            Protocol = own.FirstOrDefault()?.Protocol ?? "http",
            Requests = own.Sum(e => e.Requests),
            Failures = own.Sum(e => e.Failures),
            P50Ms = own.Max(e => e.P50Ms),
            P99Ms = own.Max(e => e.P99Ms),
        };
        return new Measurement([], edges, observed: sum);
    }

    private async Task<Dictionary<Check, (bool, string)>> ProbeAsync(Phase phase, Measurement measured, CancellationToken cancellationToken)
    {
        var found = new Dictionary<Check, (bool, string)>();
        foreach (var (_, check) in _experiment.Checks.Where(c => c.Phase == phase))
        {
            if (check.Document is { Kind: ClaimKind.Probe } claim) found[check] = await _probe.AskAsync(claim, cancellationToken).ConfigureAwait(false);
            else if (check.Document is null) found[check] = await check.Evaluate(measured, cancellationToken).ConfigureAwait(false);
        }
        return found;
    }

    private async Task<bool> JudgeAsync(Phase phase, Measurement measured, Dictionary<Check, (bool Holds, string Found)> probed, CancellationToken cancellationToken)
    {
        _measurements = _measurements.SetItem(phase, measured);
        var all = true;
        foreach (var (_, check) in _experiment.Checks.Where(c => c.Phase == phase))
        {
            if (_aborted is not null && !probed.ContainsKey(check) && check.Document is null or { Kind: ClaimKind.Probe }) continue;
            var (holds, found) = probed.TryGetValue(check, out var asked) ? asked : await check.Evaluate(measured, cancellationToken).ConfigureAwait(false);
            _checks.Add(new CheckResult(phase, check.Name, holds, found));
            all &= holds;
        }
        return all;
    }

    private async Task ReadTalliesAsync(ImmutableArray<FaultRule> rules, CancellationToken cancellationToken)
    {
        if (rules.Length > 0) _tallies = Own(await _chaos.Controller.TalliesAsync(cancellationToken).ConfigureAwait(false));
    }

    /// <summary>Under the ids that the experiment gave, whatever the session is called, and in an order that no timing changes.</summary>
    private ImmutableArray<FaultTally> Own(IEnumerable<FaultTally> tallies) =>
    [
        .. tallies.Where(t => t.Fault.StartsWith(_chaos.Name + "-", StringComparison.Ordinal)).Select(t => t with { Fault = t.Fault[(_chaos.Name.Length + 1)..] })
            .OrderBy(t => t.Fault, StringComparer.Ordinal).ThenBy(t => t.From, StringComparer.Ordinal).ThenBy(t => t.To, StringComparer.Ordinal).ThenBy(t => t.Endpoint, StringComparer.Ordinal).ThenBy(t => t.Instance, StringComparer.Ordinal),
    ];

    private bool NeedsEdges(Phase phase) => _experiment.Checks.Any(c => c.Phase == phase && c.Check.Document?.Kind == ClaimKind.Edge) || (phase == Phase.During && _experiment.Aborts.Any(a => a.Document!.Kind == ClaimKind.Edge));

    private string? NotSteady()
    {
        var steady = _measurements[Phase.Before];
        return steady.SuccessRate == 1 ? null : $"{steady.Count - (int)Math.Round(steady.SuccessRate * steady.Count)} of {steady.Count} calls failed before the first fault";
    }

    private ExperimentResult Result(Verdict verdict, string? reason, ImmutableArray<FaultRule> rules)
    {
        var prefix = _chaos.Name.Length + 1;
        FaultRule[] own = [.. rules.Select(r => r with { Id = r.Id[prefix..] })];
        return new ExperimentResult
        {
            Name = _experiment.Name,
            Seed = _experiment.SeedValue,
            Verdict = verdict,
            AbortReason = reason,
            Checks = [.. _checks],
            Faults = [.. own.OrderBy(r => r.Order).ThenBy(r => r.Id, StringComparer.Ordinal)],
            Decisions = _tallies,
            Fires = own.Where(r => _tallies.Any(t => t.Fault == r.Id)).ToImmutableSortedDictionary(r => r.Id, r => _tallies.Where(t => t.Fault == r.Id).Sum(t => t.Fires)),
            Measurements = _measurements,
        };
    }
}
