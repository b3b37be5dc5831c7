using System.Collections.Concurrent;

namespace AspireMesh.Proxy.Sockets;

/// <summary>The connections a sidecar is serving outside Kestrel, so that a drain can wait for them and a stop can cut them.</summary>
internal sealed class OpenConnections
{
    private readonly ConcurrentDictionary<long, Task> _running = new();
    private readonly CancellationTokenSource _cut = new();
    private long _last;

    /// <summary>Cancelled when whatever still runs has to end now.</summary>
    public CancellationToken Cut => _cut.Token;

    public int Count => _running.Count;

    /// <summary>Runs and tracks a connection. The work never throws: it reports its own failures.</summary>
    public void Run(Func<CancellationToken, Task> work)
    {
        var id = Interlocked.Increment(ref _last);
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _running[id] = RunAsync(id, work, started.Task);
        started.SetResult();
    }

    /// <summary>Waits until all have ended; at the token, cuts those that have not.</summary>
    public async Task DrainAsync(CancellationToken giveUp)
    {
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

    private async Task RunAsync(long id, Func<CancellationToken, Task> work, Task started)
    {
        await started;
        try
        {
            await work(_cut.Token);
        }
        finally
        {
            _running.TryRemove(id, out _);
        }
    }
}
