using AspireMesh.Protocol.Policies;

namespace AspireMesh.Proxy.Outbound.Limits;

/// <summary>
/// Caps what runs at once. Beyond the cap a bounded number waits, first come first served; beyond that the answer is no at once, because a queue without
/// an end only moves the failure to where it is harder to see.
/// </summary>
internal sealed class ConcurrencyGate(int maxRunning, int maxWaiting)
{
    private readonly Lock _turn = new();
    private readonly LinkedList<Waiter> _waiting = new();
    private int _running;

    /// <summary>The gate with the same caps is taken over with what runs in it; null without caps.</summary>
    public static ConcurrencyGate? Compile(ConcurrencyPolicy? policy, ConcurrencyGate? previous)
    {
        if (policy is null || policy.MaxConcurrentRequests <= 0) return null;
        return previous is not null && previous.Has(policy.MaxConcurrentRequests, policy.MaxPendingRequests) ? previous : new ConcurrencyGate(policy.MaxConcurrentRequests, policy.MaxPendingRequests);
    }

    public int Running
    {
        get
        {
            lock (_turn) return _running;
        }
    }

    /// <summary>Takes a place that is free; nobody waits.</summary>
    public bool TryEnter()
    {
        lock (_turn) return TakeFree();
    }

    /// <summary>True when there is a place (leave it with <see cref="Leave"/>), false when the queue is full.</summary>
    /// <param name="cancellation">Ends the wait. Giving up the task alone would leave a waiter behind, and the place it is handed one day would be lost.</param>
    /// <exception cref="OperationCanceledException">The token ended the wait: there is no place to leave.</exception>
    public ValueTask<bool> EnterAsync(CancellationToken cancellation)
    {
        Waiter waiter;
        lock (_turn)
        {
            if (TakeFree()) return ValueTask.FromResult(true);
            if (_waiting.Count >= maxWaiting) return ValueTask.FromResult(false);
            waiter = new Waiter();
            waiter.Node = _waiting.AddLast(waiter);
        }

        return WaitAsync(waiter, cancellation);
    }

    public void Leave()
    {
        Waiter? next = null;
        lock (_turn)
        {
            if (_waiting.First is { } first)
            {
                _waiting.Remove(first);
                next = first.Value;
            }
            else
            {
                _running--;
            }
        }

        // Outside the lock: the place passes on without the count going down in between.
        if (next is not null && !next.Admitted.TrySetResult(true)) Leave();
    }

    private bool TakeFree()
    {
        if (maxRunning > 0 && _running >= maxRunning) return false;
        _running++;
        return true;
    }

    private bool Has(int running, int waiting) => running == maxRunning && waiting == maxWaiting;

    private async ValueTask<bool> WaitAsync(Waiter waiter, CancellationToken cancellation)
    {
        using var registration = cancellation.UnsafeRegister(static (s, t) => ((Waiter)s!).Admitted.TrySetCanceled(t), waiter);
        try
        {
            return await waiter.Admitted.Task;
        }
        catch (OperationCanceledException)
        {
            lock (_turn)
                if (waiter.Node!.List is not null) _waiting.Remove(waiter.Node);
            throw;
        }
    }

    private sealed class Waiter
    {
        public TaskCompletionSource<bool> Admitted { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public LinkedListNode<Waiter>? Node { get; set; }
    }
}
