using AspireMesh.Protocol.Faults;

namespace AspireMesh.Chaos;

/// <summary>A fault in force. Disposing takes it out; so do its time to live and the end of the mesh.</summary>
public sealed class InjectedFault : IAsyncDisposable
{
    private readonly IFaultController _controller;
    private ChaosSession? _session;
    private int _removed;

    internal InjectedFault(IFaultController controller, FaultRule rule) => (_controller, Rule) = (controller, rule);

    /// <summary>The fault as it was sent.</summary>
    public FaultRule Rule { get; }

    /// <summary>Takes it out now. Safe to call again.</summary>
    public Task RemoveAsync(CancellationToken cancellationToken = default) =>
        Interlocked.Exchange(ref _removed, 1) == 1 ? Task.CompletedTask : _controller.RemoveAsync(Rule.Id, cancellationToken);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await RemoveAsync().ConfigureAwait(false);
        if (_session is not null) await _session.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>The fault of a session that was opened for it alone: it closes with it.</summary>
    internal InjectedFault Owning(ChaosSession session)
    {
        _session = session;
        return this;
    }
}
