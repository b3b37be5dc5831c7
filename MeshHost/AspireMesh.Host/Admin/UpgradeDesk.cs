using System.Threading.Channels;
using AspireMesh.Protocol.Admin;
using AspireMesh.Protocol.Diagnostics;

namespace AspireMesh.Host.Admin;

/// <summary>
/// Wishes for upgrades wait here for who runs the processes: the AppHost, in this process or, beside a control plane in a process of its own, over the admin API.
/// Where nobody takes them (a control plane alone, a cluster), they are refused.
/// </summary>
internal sealed class UpgradeDesk(TimeProvider time)
{
    /// <summary>How long a wish waits for somebody to take it.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly Channel<Wish> _waiting = Channel.CreateUnbounded<Wish>();
    private readonly Dictionary<long, Wish> _taken = [];
    private readonly Lock _gate = new();
    private long _last;

    /// <summary>Waits for what becomes of it.</summary>
    /// <exception cref="MeshValidationException">Nobody here runs sidecars.</exception>
    public async Task<UpgradeOutcome> AskAsync(string instance, CancellationToken cancellationToken)
    {
        var wish = new Wish(new UpgradeTicket { Id = Interlocked.Increment(ref _last), Instance = instance });
        await _waiting.Writer.WriteAsync(wish, cancellationToken);
        try
        {
            await wish.Taken.Task.WaitAsync(Patience, time, cancellationToken);
            return await wish.Outcome.Task.WaitAsync(cancellationToken);
        }
        catch (TimeoutException)
        {
            throw new MeshValidationException([MeshDiagnostics.CannotUpgrade.Found(
                $"Nobody who runs sidecars looks after this control plane, so '{instance}' cannot be replaced from here. In a cluster: kubectl rollout restart deployment; by hand: start the new aspiremesh-proxy with the bootstrap of the old one.")]);
        }
        finally
        {
            wish.IsGone = true;
            lock (_gate) _taken.Remove(wish.Ticket.Id);
        }
    }

    /// <summary>The next wish that somebody still waits for.</summary>
    public async Task<UpgradeTicket> NextAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var wish = await _waiting.Reader.ReadAsync(cancellationToken);
            if (wish.IsGone) continue;
            lock (_gate) _taken[wish.Ticket.Id] = wish;
            wish.Taken.TrySetResult();
            return wish.Ticket;
        }
    }

    /// <summary>Says what became of it.</summary>
    public void Answer(long id, UpgradeOutcome outcome)
    {
        Wish? wish;
        lock (_gate) _taken.Remove(id, out wish);
        wish?.Outcome.TrySetResult(outcome);
    }

    private sealed class Wish(UpgradeTicket ticket)
    {
        public UpgradeTicket Ticket => ticket;

        public TaskCompletionSource Taken { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource<UpgradeOutcome> Outcome { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public volatile bool IsGone;
    }
}
