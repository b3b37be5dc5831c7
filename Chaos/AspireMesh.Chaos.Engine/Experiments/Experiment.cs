using System.Collections.Immutable;
using AspireMesh.Chaos.Documents;
using AspireMesh.Chaos.Running;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Faults;

namespace AspireMesh.Chaos.Experiments;

/// <summary>
/// A claim about a system and the faults that test it. Three phases: before (steady state), during (the steps are in force), after (recovered).
/// Whatever happens, what was done is undone: at the end, on failure, on cancellation and, if the test itself is gone, by lease and time to live.
/// </summary>
public sealed class Experiment
{
    private readonly Hypothesis _hypothesis = new();
    private readonly Hypothesis _aborts = new();
    private readonly StepRow _steps = new();
    private readonly List<(string Name, Func<Measurement, bool> Unsafe)> _codeAborts = [];
    private string? _description;
    private LoadDocument? _load;

    private Experiment(string name) => Name = name;

    /// <summary>What is claimed, in words.</summary>
    public string Name { get; }

    internal long SeedValue { get; private set; } = 1;

    internal LoadDocument? WrittenLoad => _load;

    internal Func<CancellationToken, Task<bool>>? Call { get; private set; }

    internal IReadOnlyList<(Phase Phase, Check Check)> Checks => _hypothesis.Checks;

    internal IReadOnlyList<Check> Aborts => [.. _aborts.Checks.Select(a => a.Check)];

    internal IReadOnlyList<(string Name, Func<Measurement, bool> Unsafe)> CodeAborts => _codeAborts;

    internal ImmutableArray<ExperimentStep> Steps => _steps.Steps;

    internal BlastRadius? Radius { get; private set; }

    /// <summary>Begins an experiment.</summary>
    public static Experiment Named(string name) => new(name);

    /// <summary>The experiment that a document describes.</summary>
    /// <exception cref="MeshValidationException">It cannot be run; carries every reason.</exception>
    public static Experiment From(ExperimentDocument document)
    {
        ArgumentNullException.ThrowIfNull(document);
        var problems = new ProblemList();
        DocumentChecks.Check(document, document.Name, problems);
        problems.ThrowIfAny();
        var experiment = new Experiment(document.Name) { SeedValue = document.Seed, Radius = document.BlastRadius, _description = document.Description, _load = document.Load };
        foreach (var claim in document.Hypothesis) experiment._hypothesis.Claim(claim);
        foreach (var step in document.Steps) experiment._steps.Add(ExperimentStep.From(step));
        foreach (var abort in document.AbortWhen) experiment._aborts.Claim(abort);
        return experiment;
    }

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
        (Call, _load) = (call, new LoadDocument { Requests = requests, Concurrency = concurrency, Steady = steady });
        return this;
    }

    /// <summary>Load as data: calls to an address, or an edge that is watched.</summary>
    public Experiment Load(LoadDocument load)
    {
        (Call, _load) = (null, load);
        return this;
    }

    /// <summary>What is claimed.</summary>
    public Experiment Hypothesis(Action<Hypothesis> claim)
    {
        claim(_hypothesis);
        return this;
    }

    /// <summary>A fault that is in force in the middle phase. Several compose in the order of <see cref="InjectionOptions.Order"/>, then of these calls.</summary>
    public Experiment Inject(ChaosEdge edge, Fault fault, Action<InjectionOptions>? configure = null) => Step(s => s.Inject(edge, fault, configure));

    /// <summary>What is done, one after the other. The load begins once all steps before the first wait are in force, and the phase ends when both are through.</summary>
    public Experiment Step(Action<StepRow> steps)
    {
        steps(_steps);
        return this;
    }

    /// <summary>Ends the experiment as soon as this is true of what was measured while the faults are in force; looked at after every call.</summary>
    public Experiment AbortWhen(string name, Func<Measurement, bool> isUnsafe)
    {
        _codeAborts.Add((name, isUnsafe));
        return this;
    }

    /// <summary>Ends the experiment as soon as this is true; looked at four times a second, whether calls end or hang.</summary>
    public Experiment AbortWhen(ClaimDocument claim)
    {
        _aborts.Claim(claim);
        return this;
    }

    /// <summary>What it may touch at most. Looked at before it begins.</summary>
    public Experiment Within(BlastRadius radius)
    {
        Radius = radius;
        return this;
    }

    /// <summary>The seed of every decision. The same seed gives the same sequence per edge. Default 1.</summary>
    public Experiment Seed(long seed)
    {
        SeedValue = seed;
        return this;
    }

    /// <summary>The experiment as data.</summary>
    /// <exception cref="MeshValidationException">Part of it is code, which no document can hold; carries every such part.</exception>
    public ExperimentDocument ToDocument()
    {
        var problems = new ProblemList();
        if (Call is not null) Code("its load", "call .Load(new LoadDocument { … })");
        foreach (var (_, check) in Checks.Where(c => c.Check.Document is null)) Code($"the claim '{check.Name}'", "use .Claim(…)");
        foreach (var (name, _) in _codeAborts) Code($"the abort condition '{name}'", "call .AbortWhen(new ClaimDocument { … })");
        if (Steps.Any(s => s.Document is null)) Code("a step", "use .Inject, .Wait or .Process");
        problems.ThrowIfAny();
        return new ExperimentDocument
        {
            Name = Name,
            Description = _description,
            Seed = SeedValue,
            Load = _load,
            Hypothesis = [.. Checks.Select(c => c.Check.Document!)],
            Steps = [.. Steps.Select(s => s.Document!)],
            AbortWhen = [.. Aborts.Select(a => a.Document!)],
            BlastRadius = Radius,
        };

        void Code(string what, string instead) => problems.Add(MeshDiagnostics.BadExperiment, $"The experiment '{Name}' cannot be written: {what} is code. Instead, {instead}.");
    }

    /// <summary>Runs it.</summary>
    /// <param name="chaos">The mesh.</param>
    /// <param name="time">The clock that durations are read from. Default the system's.</param>
    /// <param name="cancellationToken">Ends it early; what was done is undone all the same.</param>
    /// <exception cref="MeshValidationException">It cannot be run; carries every reason.</exception>
    public async Task<ExperimentResult> RunAsync(ChaosSession chaos, TimeProvider? time = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(chaos);
        if (_load is null) throw new InvalidOperationException($"the experiment '{Name}' has no load: call .Load(async token => …)");
        var problems = new ProblemList();
        // Where everything is data the whole document is looked at; code is taken at its word.
        if (Call is null && Checks.All(c => c.Check.Document is not null) && Steps.All(s => s.Document is not null) && Checks.Count > 0) DocumentChecks.Check(ToDocument(), Name, problems);
        else DocumentChecks.CheckRadius([.. Steps.Select(s => s.Document).OfType<StepDocument>()], Radius, Name, problems);
        problems.ThrowIfAny();
        using var run = new ExperimentRun(this, chaos, time ?? TimeProvider.System);
        return await run.RunAsync(cancellationToken).ConfigureAwait(false);
    }
}
