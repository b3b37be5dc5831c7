using System.Collections.Immutable;
using AspireMesh.Hosting.Planning;
using AspireMesh.Protocol.Admin;

namespace AspireMesh.Hosting.Lifecycle;

/// <summary>
/// Tells the control plane from where containers call: listeners on the engine's bridge take nobody else's connections. A container has an address only once it runs, and another
/// one after each restart.
/// </summary>
internal sealed class ContainerCallers(MeshPlan plan, IMeshControl control, ResourceNotificationService notifications, ContainerBridge bridge, TimeProvider time)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);

    private readonly Dictionary<IResource, ImmutableArray<SidecarPlan>> _callers =
        plan.Workloads.Where(w => Participants.IsContainer(w.Resource) && (w.Egress is not null || plan.Edges.Any(e => e.From == w.Resource))).ToDictionary(w => w.Resource, w => w.Sidecars);

    private readonly Dictionary<IResource, (CancellationTokenSource End, Task Work)> _looking = [];

    /// <summary>Follows the containers until the application ends.</summary>
    public async Task FollowAsync(CancellationToken cancellationToken)
    {
        if (_callers.Count == 0) return;
        try
        {
            await foreach (var change in notifications.WatchAsync(cancellationToken))
            {
                if (!_callers.ContainsKey(change.Resource)) continue;
                var running = change.Snapshot.State?.Text == KnownResourceStates.Running && HostDifferences.ContainerOf(change) is not null;
                if (running == _looking.ContainsKey(change.Resource)) continue;
                if (running) Begin(change, cancellationToken);
                else await EndAsync(change.Resource);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            foreach (var resource in _looking.Keys.ToArray()) await EndAsync(resource);
        }
    }

    private void Begin(ResourceEvent running, CancellationToken cancellationToken)
    {
        var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _looking[running.Resource] = (end, LookAsync(running.Resource, HostDifferences.ContainerOf(running)!, end.Token));
    }

    private async Task EndAsync(IResource resource)
    {
        _looking.Remove(resource, out var looking);
        await looking.End.CancelAsync();
        await looking.Work.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        looking.End.Dispose();
        Tell(resource, []);
    }

    /// <summary>The engine's command runs before the container does: an image may have to be pulled first.</summary>
    private async Task LookAsync(IResource resource, string container, CancellationToken cancellationToken)
    {
        for (var pause = FirstPause; ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            var addresses = await bridge.AddressesOfAsync(container, cancellationToken);
            if (!addresses.IsEmpty)
            {
                Tell(resource, addresses);
                return;
            }
            await Task.Delay(pause, time, cancellationToken);
        }
    }

    private void Tell(IResource resource, ImmutableArray<string> addresses)
    {
        foreach (var sidecar in _callers[resource]) control.SetCallerAddresses(new CallerAddressesChange { Instance = sidecar.Instance, Addresses = addresses });
    }
}
