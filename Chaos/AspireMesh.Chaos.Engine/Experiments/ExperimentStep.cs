using System.Collections.Immutable;
using AspireMesh.Chaos.Documents;

namespace AspireMesh.Chaos.Experiments;

/// <summary>One thing an experiment does: data, or code that no document can hold.</summary>
internal abstract record ExperimentStep
{
    /// <summary>As data; null for code.</summary>
    public abstract StepDocument? Document { get; }

    /// <summary>The step of a document.</summary>
    public static ExperimentStep From(StepDocument step) => step.Parallel.Length > 0
        ? new ParallelStep([.. step.Parallel.Select(row => row.Select(From).ToImmutableArray())])
        : new WrittenStep(step);
}

/// <summary>A fault, a wait or something done to a process.</summary>
internal sealed record WrittenStep(StepDocument Written) : ExperimentStep
{
    public override StepDocument Document => Written;
}

/// <summary>Rows of steps at once.</summary>
internal sealed record ParallelStep(ImmutableArray<ImmutableArray<ExperimentStep>> Rows) : ExperimentStep
{
    public override StepDocument? Document => Rows.Any(r => r.Any(s => s.Document is null)) ? null : new StepDocument { Parallel = [.. Rows.Select(r => r.Select(s => s.Document!).ToImmutableArray())] };
}

/// <summary>Code, and what undoes it.</summary>
internal sealed record CodeStep(string Name, Func<CancellationToken, Task> Act, Func<Task>? Undo) : ExperimentStep
{
    public override StepDocument? Document => null;
}

/// <summary>Steps one after the other, as they are said in code.</summary>
public sealed class StepRow
{
    private readonly ImmutableArray<ExperimentStep>.Builder _steps = ImmutableArray.CreateBuilder<ExperimentStep>();

    internal ImmutableArray<ExperimentStep> Steps => _steps.ToImmutable();

    /// <summary>Puts a fault in.</summary>
    public StepRow Inject(ChaosEdge edge, AspireMesh.Protocol.Faults.Fault fault, Action<InjectionOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(edge);
        ArgumentNullException.ThrowIfNull(fault);
        var options = new InjectionOptions();
        configure?.Invoke(options);
        return Add(new WrittenStep(new StepDocument
        {
            Inject = new InjectDocument
            {
                Id = options.Id,
                From = edge.From,
                To = edge.To,
                Endpoint = edge.Endpoint,
                Side = options.Side,
                Match = options.Match,
                Fault = fault,
                Activation = options.Activation,
                Seed = options.HasSeed ? options.Seed : null,
                Order = options.Order == 0 ? null : options.Order,
                TimeToLive = options.TimeToLive,
                For = options.For,
            },
        }));
    }

    /// <summary>Waits while what came before is in force.</summary>
    public StepRow Wait(TimeSpan time) => Add(new WrittenStep(new StepDocument { Wait = time }));

    /// <summary>Does something to a process of a resource, or makes pressure on the machine.</summary>
    public StepRow Process(ProcessDocument step) => Add(new WrittenStep(new StepDocument { Process = step }));

    /// <summary>Does anything else. Undone at the end of the experiment, whatever happens.</summary>
    /// <param name="name">What, in words.</param>
    /// <param name="act">Does it.</param>
    /// <param name="undo">Undoes it; null where nothing is to be undone.</param>
    public StepRow Do(string name, Func<CancellationToken, Task> act, Func<Task>? undo = null) => Add(new CodeStep(name, act, undo));

    /// <summary>Several rows of steps at once; goes on when all have ended.</summary>
    public StepRow InParallel(params Action<StepRow>[] rows) => Add(new ParallelStep([.. rows.Select(Row)]));

    internal StepRow Add(ExperimentStep step)
    {
        _steps.Add(step);
        return this;
    }

    private static ImmutableArray<ExperimentStep> Row(Action<StepRow> say)
    {
        var row = new StepRow();
        say(row);
        return row.Steps;
    }
}
