using AspireMesh.Protocol.Admin;
using AspireMesh.Protocol.Diagnostics;

namespace AspireMesh.Chaos;

/// <summary>Tells the control plane again and again that this process is still there: when it is killed, its faults go with the lease.</summary>
internal sealed class SessionLease(IFaultController controller, string owner, TimeProvider time) : IAsyncDisposable
{
    /// <summary>How long the mesh waits for a sign of life.</summary>
    public const int Seconds = 15;

    private static readonly TimeSpan Renewal = TimeSpan.FromSeconds(4);
    private readonly CancellationTokenSource _ending = new();
    private readonly SemaphoreSlim _one = new(1, 1);
    private Task? _renewing;
    private int _disposed;

    /// <summary>Takes the lease, the first time it is called.</summary>
    public async Task TakeAsync(CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (_renewing is not null) return;
            await controller.SetLeaseAsync(new FaultLease { Owner = owner, Seconds = Seconds }, cancellationToken).ConfigureAwait(false);
            _renewing = RenewAsync();
        }
        finally
        {
            _one.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 1) return;
        await _ending.CancelAsync().ConfigureAwait(false);
        if (_renewing is not null) await _renewing.ConfigureAwait(false);
        _ending.Dispose();
        _one.Dispose();
    }

    private async Task RenewAsync()
    {
        using var timer = new PeriodicTimer(Renewal, time);
        while (true)
        {
            try
            {
                await timer.WaitForNextTickAsync(_ending.Token).ConfigureAwait(false);
                await controller.SetLeaseAsync(new FaultLease { Owner = owner, Seconds = Seconds }, _ending.Token).ConfigureAwait(false);
            }
            catch (MeshValidationException)
            {
                // The control plane is away: the lease may run out, and each fault's own time ends it whatever happens. The next turn tries again.
                continue;
            }
            catch (OperationCanceledException)
            {
                // The session was closed.
                return;
            }
        }
    }
}
