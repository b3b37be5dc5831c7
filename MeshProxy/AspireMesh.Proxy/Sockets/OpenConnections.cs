using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Proxy.Sockets;

/// <summary>The connections a sidecar is serving outside Kestrel, so that a drain can wait for them and a stop can cut them.</summary>
internal sealed partial class OpenConnections(ILogger logger)
{
    private readonly ConcurrentDictionary<long, Task> _running = new();
    private readonly CancellationTokenSource _cut = new();
    private readonly CancellationTokenSource _draining = new();
    private long _last;

    /// <summary>Cancelled when the drain begins: a connection that has said nothing yet will not get to.</summary>
    public CancellationToken Draining => _draining.Token;

    /// <summary>Cancelled when whatever still runs has to end now.</summary>
    public CancellationToken Cut => _cut.Token;

    public int Count => _running.Count;

    /// <summary>Runs and tracks a connection. The work reports the failures it knows; one that it does not know ends this connection and is logged.</summary>
    public void Run(Func<CancellationToken, Task> work)
    {
        var id = Interlocked.Increment(ref _last);
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _running[id] = RunAsync(id, work, started.Task);
        started.SetResult();
    }

    /// <summary>Waits until all have ended, or for the token; cuts none.</summary>
    public async Task WhenNoneAsync(CancellationToken giveUp)
    {
        while (!_running.IsEmpty && !giveUp.IsCancellationRequested) await Task.WhenAll(_running.Values).WaitAsync(giveUp).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Waits until all have ended; at the token, cuts those that have not.</summary>
    public async Task DrainAsync(CancellationToken giveUp)
    {
        await _draining.CancelAsync();
        try
        {
            while (!_running.IsEmpty) await Task.WhenAll(_running.Values).WaitAsync(giveUp);
        }
        catch (OperationCanceledException) when (giveUp.IsCancellationRequested)
        {
            await _cut.CancelAsync();
            await Task.WhenAll(_running.Values);
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "A connection ended in a way that the sidecar does not know")]
    private partial void Unexpected(Exception exception);

    private async Task RunAsync(long id, Func<CancellationToken, Task> work, Task started)
    {
        await started;
        try
        {
            await work(_cut.Token);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            Unexpected(e);
        }
        finally
        {
            _running.TryRemove(id, out _);
        }
    }
}
