using System.Collections.Immutable;
using System.Diagnostics;
using AspireMesh.Protocol.Faults;

namespace AspireMesh.Chaos.Experiments;

/// <summary>
/// A claim about a system and the faults that test it. Three phases of load: before (steady state), during (faults in force), after (recovered).
/// Whatever happens, the faults are taken out: at the end, on failure, on cancellation and, if the test itself is gone, by their time to live.
/// </summary>
public sealed class Experiment
{
    private readonly List<(ChaosEdge Edge, Fault Fault, Action<InjectionOptions>? Configure)> _faults = [];
    private readonly Hypothesis _hypothesis = new();
    private readonly List<(string Name, Func<Measurement, bool> Unsafe)> _aborts = [];
    private Func<CancellationToken, Task<bool>>? _load;
    private int _requests = 50;
    private int _concurrency = 4;
    private int _warm = 10;
    private long _seed = 1;
    private Func<IReadOnlyList<FaultRule>, CancellationToken, Task<IReadOnlyDictionary<string, long>>>? _fires;

    private Experiment(string name) => Name = name;

    /// <summary>What is claimed, in words.</summary>
    public string Name { get; }

    /// <summary>Begins an experiment.</summary>
    public static Experiment Named(string name) => new(name);

    /// <summary>One call of the load; true when it went well. An exception counts as a failed call.</summary>
    /// <param name="call">The call.</param>
    /// <param name="requests">Calls while the faults are in force. Default 50.</param>
    /// <param name="concurrency">Calls at once. Default 4.</param>
    /// <param name="steady">Calls before and after. Default 10.</param>
    public Experiment Load(Func<CancellationToken, Task<bool>> call, int requests = 50, int concurrency = 4, int steady = 10)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(requests, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(concurrency, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(steady, 0);
        (_load, _requests, _concurrency, _warm) = (call, requests, concurrency, steady);
        return this;
    }

    /// <summary>What is claimed.</summary>
    public Experiment Hypothesis(Action<Hypothesis> claim)
    {
        claim(_hypothesis);
        return this;
    }

    /// <summary>A fault that is in force in the middle phase. Several compose in the order of <see cref="InjectionOptions.Order"/>, then of these calls.</summary>
    public Experiment Inject(ChaosEdge edge, Fault fault, Action<InjectionOptions>? configure = null)
    {
        _faults.Add((edge, fault, configure));
        return this;
    }

    /// <summary>Ends the experiment as soon as this is true of what was measured while the faults are in force; looked at after every call.</summary>
    public Experiment AbortWhen(string name, Func<Measurement, bool> isUnsafe)
    {
        _aborts.Add((name, isUnsafe));
        return this;
    }

    /// <summary>The seed of every decision. The same seed gives the same sequence per edge. Default 1.</summary>
    public Experiment Seed(long seed)
    {
        _seed = seed;
        return this;
    }

    internal Experiment FiresFrom(Func<IReadOnlyList<FaultRule>, CancellationToken, Task<IReadOnlyDictionary<string, long>>> fires)
    {
        _fires = fires;
        return this;
    }

    /// <summary>Runs it.</summary>
    /// <param name="chaos">The mesh.</param>
    /// <param name="time">The clock that durations are read from. Default the system's.</param>
    /// <param name="cancellationToken">Ends it early; the faults are taken out all the same.</param>
    public async Task<ExperimentResult> RunAsync(ChaosSession chaos, TimeProvider? time = null, CancellationToken cancellationToken = default)
    {
        if (_load is null) throw new InvalidOperationException($"the experiment '{Name}' has no load: call .Load(async token => …)");
        var clock = time ?? TimeProvider.System;
        var run = new LoadRun(_load, clock, _concurrency);
        var checks = new List<CheckResult>();
        var measurements = ImmutableSortedDictionary<Phase, Measurement>.Empty;

        ExperimentResult Result(Verdict verdict, string? abort, IReadOnlyList<FaultRule> faults, IReadOnlyDictionary<string, long>? fires) => new()
        {
            Name = Name,
            Seed = _seed,
            Verdict = verdict,
            AbortReason = abort,
            Checks = [.. checks],
            Faults = [.. faults],
            Fires = fires?.ToImmutableSortedDictionary() ?? ImmutableSortedDictionary<string, long>.Empty,
            Measurements = measurements,
        };

        async Task<bool> PhaseAsync(Phase phase, Measurement measurement)
        {
            measurements = measurements.SetItem(phase, measurement);
            var before = checks.Count;
            foreach (var (_, check) in _hypothesis.Checks.Where(c => c.Phase == phase))
            {
                var (holds, found) = await check.Evaluate(measurement, cancellationToken).ConfigureAwait(false);
                checks.Add(new CheckResult(phase, check.Name, holds, found));
            }
            return checks.Skip(before).All(c => c.Holds);
        }

        var steady = await run.MeasureAsync(_warm, null, cancellationToken).ConfigureAwait(false);
        // A call that fails before any fault was there means that what comes later proves nothing.
        if (!await PhaseAsync(Phase.Before, steady).ConfigureAwait(false) || steady.SuccessRate < 1)
        {
            return Result(Verdict.NotSteady, steady.SuccessRate < 1 ? $"{steady.Samples.Count(s => !s.Succeeded)} of {steady.Count} calls failed before the first fault" : null, [], null);
        }

        var injected = new List<InjectedFault>();
        IReadOnlyDictionary<string, long>? fires = null;
        string? aborted = null;
        try
        {
            foreach (var (edge, fault, configure) in _faults)
            {
                injected.Add(await chaos.InjectAsync(edge, fault, Seeded(configure, injected.Count), cancellationToken).ConfigureAwait(false));
            }
            var during = await run.MeasureAsync(_requests, m => aborted = _aborts.Where(a => a.Unsafe(m)).Select(a => a.Name).FirstOrDefault(), cancellationToken).ConfigureAwait(false);
            await PhaseAsync(Phase.During, during).ConfigureAwait(false);
            if (_fires is not null) fires = await _fires([.. injected.Select(i => i.Rule)], cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            // Not with the caller's token: a cancelled experiment leaves no fault behind.
            foreach (var fault in injected) await fault.RemoveAsync(CancellationToken.None).ConfigureAwait(false);
        }
        var rules = injected.Select(i => i.Rule).ToList();
        if (aborted is not null) return Result(Verdict.Aborted, $"aborted: {aborted}", rules, fires);
        await PhaseAsync(Phase.After, await run.MeasureAsync(_warm, null, cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
        return Result(checks.All(c => c.Holds) ? Verdict.Held : Verdict.Failed, null, rules, fires);
    }

    private Action<InjectionOptions> Seeded(Action<InjectionOptions>? configure, int index) => options =>
    {
        // Faults of one experiment must not fire on the same requests only because they share a seed.
        options.Seed = unchecked(_seed + (index * 0x5851F42D4C957F2D));
        options.Order = index;
        configure?.Invoke(options);
    };
}
