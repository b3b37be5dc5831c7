using System.Collections.Concurrent;

namespace AspireMesh.Simulator.Processes;

/// <summary>Starts the AppHost's children and sees to it that none outlives it.</summary>
internal sealed class ProcessSupervisor(TimeProvider timeProvider) : IAsyncDisposable
{
    /// <summary>How long a process may take to end after it was asked to.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromSeconds(3);

    private readonly ConcurrentDictionary<ChildProcess, bool> _children = new();
    private readonly Lazy<Watchdog> _watchdog = new(() => new Watchdog());

    /// <summary>Starts a process; <paramref name="onLine"/> gets each line and whether it came from standard error.</summary>
    /// <exception cref="ProcessStartException">It cannot be started.</exception>
    public ChildProcess Start(ProcessSpec spec, Action<string, bool> onLine)
    {
        var watchdog = _watchdog.Value;
        ChildProcess child = OperatingSystem.IsWindows() ? WindowsProcess.Start(spec, onLine) : PosixProcess.Start(spec, onLine);
        watchdog.Watch(child.Pid);
        _children[child] = true;
        _ = ForgetWhenGoneAsync(child);
        return child;
    }

    /// <summary>Asks a process to end, and ends it after the grace period.</summary>
    public async Task StopAsync(ChildProcess child)
    {
        await child.StopAsync(Grace, timeProvider).ConfigureAwait(false);
        Forget(child);
    }

    /// <summary>Removes the container if the AppHost is killed.</summary>
    public void WatchContainer(string container) => _watchdog.Value.WatchContainer(container);

    /// <summary>The container is gone.</summary>
    public void ForgetContainer(string container) => _watchdog.Value.ForgetContainer(container);

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_children.Keys.Select(StopAsync)).ConfigureAwait(false);
        if (_watchdog.IsValueCreated)
        {
            _watchdog.Value.Dispose();
        }
    }

    private async Task ForgetWhenGoneAsync(ChildProcess child)
    {
        await child.Exited.ConfigureAwait(false);

        // What the process left running is ended with the AppHost; until then the group stays known.
        if (!child.IsAnythingLeft)
        {
            Forget(child);
        }
    }

    private void Forget(ChildProcess child)
    {
        if (_children.TryRemove(child, out _))
        {
            _watchdog.Value.Forget(child.Pid);
        }
    }
}
