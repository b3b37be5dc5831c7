using System.Collections.Immutable;
using AspireMesh.Chaos.Documents;
using AspireMesh.Chaos.Experiments;
using AspireMesh.Protocol.Faults;

namespace AspireMesh.Chaos.Running;

/// <summary>Does the steps and undoes them, the last one first.</summary>
internal sealed class StepRun(ChaosSession chaos, long seed, BlastRadius? radius, TimeProvider time)
{
    private readonly TaskCompletionSource _inForce = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _gate = new();
    private readonly Stack<Func<Task>> _undo = new();
    private readonly List<FaultRule> _rules = [];
    private int _index;

    /// <summary>Completes when every step before the first wait has been done.</summary>
    public Task InForce => _inForce.Task;

    /// <summary>The faults that were put in, in that order.</summary>
    public ImmutableArray<FaultRule> Rules
    {
        get
        {
            lock (_gate) return [.. _rules];
        }
    }

    /// <summary>Does them all.</summary>
    public async Task RunAsync(ImmutableArray<ExperimentStep> steps, CancellationToken cancellationToken)
    {
        try
        {
            await RowAsync(steps, cancellationToken).ConfigureAwait(false);
            _inForce.TrySetResult();
        }
        catch (Exception e)
        {
            _inForce.TrySetException(e);
            throw;
        }
    }

    /// <summary>Undoes everything. One that cannot be undone does not keep the others in force.</summary>
    public async Task RollbackAsync()
    {
        List<Exception> failures = [];
        while (true)
        {
            Func<Task> undo;
            lock (_gate)
            {
                if (!_undo.TryPop(out undo!)) break;
            }
            try
            {
                await undo().ConfigureAwait(false);
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                failures.Add(e);
            }
        }
        if (failures.Count > 0) throw new AggregateException("not everything could be undone; faults end with their time to live", failures);
    }

    private async Task RowAsync(ImmutableArray<ExperimentStep> steps, CancellationToken cancellationToken)
    {
        List<Task> ends = [];
        foreach (var step in steps)
        {
            cancellationToken.ThrowIfCancellationRequested();
            switch (step)
            {
                case ParallelStep parallel:
                    await Task.WhenAll(parallel.Rows.Select(row => RowAsync(row, cancellationToken))).ConfigureAwait(false);
                    break;
                case CodeStep code:
                    if (code.Undo is not null) Push(code.Undo);
                    await code.Act(cancellationToken).ConfigureAwait(false);
                    break;
                case WrittenStep { Written.Wait: { } wait }:
                    _inForce.TrySetResult();
                    await Task.Delay(wait, time, cancellationToken).ConfigureAwait(false);
                    break;
                case WrittenStep { Written.Inject: { } inject }:
                    ends.Add(EndAsync(await InjectAsync(inject, cancellationToken).ConfigureAwait(false), inject.For, cancellationToken));
                    break;
                case WrittenStep { Written.Process: { } process }:
                    ends.Add(EndAsync(Once(await chaos.Surroundings.ActAsync(process, cancellationToken).ConfigureAwait(false)), process.For, cancellationToken));
                    break;
            }
        }
        if (ends.Any(e => !e.IsCompleted)) _inForce.TrySetResult();
        await Task.WhenAll(ends).ConfigureAwait(false);
    }

    private async Task<Func<Task>> InjectAsync(InjectDocument inject, CancellationToken cancellationToken)
    {
        var index = Interlocked.Increment(ref _index) - 1;
        var activation = inject.Activation;
        if (radius is { MaxFires: > 0 } bound && (activation.MaxFires == 0 || activation.MaxFires > bound.MaxFires)) activation = activation with { MaxFires = bound.MaxFires };
        var options = new InjectionOptions
        {
            Id = inject.Id ?? $"{index + 1}",
            Match = inject.Match,
            Activation = activation,
            Side = inject.Side,
            // Faults of one experiment must not fire on the same requests only because they share a seed.
            Seed = inject.Seed ?? unchecked(seed + (index * 0x5851F42D4C957F2D)),
            Order = inject.Order ?? index,
            TimeToLive = inject.TimeToLive,
        };
        var injected = await chaos.InjectAsync(new ChaosEdge(inject.From, inject.To, inject.Endpoint), inject.Fault, options, cancellationToken).ConfigureAwait(false);
        lock (_gate) _rules.Add(injected.Rule);
        return Once(() => injected.RemoveAsync(CancellationToken.None));
    }

    // Undone early, and then not again at the end.
    private Func<Task> Once(Func<Task> undo)
    {
        Task? done = null;
        var gate = new Lock();
        Push(Undo);
        return Undo;

        Task Undo()
        {
            lock (gate) return done ??= undo();
        }
    }

    private async Task EndAsync(Func<Task> undo, TimeSpan? after, CancellationToken cancellationToken)
    {
        if (after is not { } limit) return;
        await Task.Delay(limit, time, cancellationToken).ConfigureAwait(false);
        await undo().ConfigureAwait(false);
    }

    private void Push(Func<Task> undo)
    {
        lock (_gate) _undo.Push(undo);
    }
}
