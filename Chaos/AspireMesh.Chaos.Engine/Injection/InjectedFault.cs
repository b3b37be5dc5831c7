using AspireMesh.Protocol.Faults;

namespace AspireMesh.Chaos;

/// <summary>A fault in force. Disposing takes it out; so do its time to live and the end of the mesh.</summary>
public sealed class InjectedFault : IAsyncDisposable
{
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(200);
    private readonly IFaultController _controller;
    private readonly TimeProvider _time;
    private ChaosSession? _session;
    private int _removed;

    internal InjectedFault(IFaultController controller, FaultRule rule, TimeProvider time) => (_controller, Rule, _time) = (controller, rule, time);

    /// <summary>The fault as it was sent.</summary>
    public FaultRule Rule { get; }

    /// <summary>How often it has fired, as far as the sidecars have reported: they do so once a second.</summary>
    public async Task<long> CountFiresAsync(CancellationToken cancellationToken = default) =>
        (await _controller.TalliesAsync(cancellationToken).ConfigureAwait(false)).Where(t => t.Fault == Rule.Id).Sum(t => t.Fires);

    /// <summary>Waits until it has fired this often: a test whose fault hit nothing shows nothing.</summary>
    /// <param name="count">At least 1.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public async Task WaitForFiresAsync(long count = 1, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        while (await CountFiresAsync(cancellationToken).ConfigureAwait(false) < count) await Task.Delay(LookAgain, _time, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Takes it out now. Safe to call again.</summary>
    public async Task RemoveAsync(CancellationToken cancellationToken = default)
    {
        if (Interlocked.Exchange(ref _removed, 1) == 1) return;
        try
        {
            await _controller.RemoveAsync(Rule.Id, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            // Still in force, as far as anybody knows: whoever disposes it tries again.
            Volatile.Write(ref _removed, 0);
            throw;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await RemoveAsync().ConfigureAwait(false);
        }
        finally
        {
            // Its lease is not renewed any more: that ends a fault whose removal did not get through.
            if (_session is not null) await _session.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>The fault of a session that was opened for it alone: it closes with it.</summary>
    internal InjectedFault Owning(ChaosSession session)
    {
        _session = session;
        return this;
    }
}
