using AspireMesh.Protocol.Policies;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Outbound.LoadBalancing;
using AspireMesh.Proxy.Runtime;

namespace AspireMesh.Proxy.Outbound.HealthChecks;

/// <summary>
/// Asks destinations whether they are well, one loop per destination of a cluster that has a health check. Probes take the way requests take, mTLS
/// included, so they find what requests would find. A loop lasts as long as its destination, address and policy stay the same.
/// </summary>
internal sealed class HealthProber(Probes probes, TimeProvider time, IMeshEvents events) : IDisposable
{
    private readonly Dictionary<Key, CancellationTokenSource> _loops = [];
    private readonly Lock _turn = new();

    /// <summary>Starts the loops that a table needs and ends those it does not.</summary>
    public void Apply(ClusterTable table)
    {
        lock (_turn)
        {
            var wanted = new Dictionary<Key, (Cluster, Destination)>();
            foreach (var cluster in table.Clusters)
                if (cluster.Snapshot.HealthCheck is { } policy)
                    foreach (var destination in cluster.Destinations) wanted[new Key(destination.State, policy)] = (cluster, destination);
            foreach (var (key, stop) in _loops.Where(l => !wanted.ContainsKey(l.Key)).ToArray())
            {
                stop.Cancel();
                _loops.Remove(key);
                // Nobody asks any more, so nothing may keep it out.
                key.State.ProbedUnhealthy = false;
            }

            foreach (var (key, (cluster, destination)) in wanted)
            {
                if (_loops.ContainsKey(key)) continue;
                var stop = _loops[key] = new CancellationTokenSource();
                _ = RunAsync(cluster.Snapshot, destination, key.Policy, stop.Token);
            }
        }
    }

    public void Dispose()
    {
        lock (_turn)
        {
            foreach (var stop in _loops.Values) stop.Cancel();
            _loops.Clear();
        }
    }

    private async Task RunAsync(ClusterSnapshot cluster, Destination destination, HealthCheckPolicy policy, CancellationToken stop)
    {
        // The caller holds a lock; the first probe must not run under it.
        await Task.Yield();
        var run = 0;
        var healthy = true;
        try
        {
            while (!stop.IsCancellationRequested)
            {
                var problem = await ProbeAsync(cluster, destination, policy, stop);
                var good = problem is null;
                run = good == healthy ? 0 : run + 1;
                if (run >= (good ? policy.HealthyThreshold : policy.UnhealthyThreshold) && !stop.IsCancellationRequested)
                {
                    (healthy, run) = (good, 0);
                    destination.State.ProbedUnhealthy = !good;
                    events.ProbeChanged(cluster, destination.Snapshot, good, problem ?? "answers again");
                }

                await Task.Delay(policy.Interval, time, stop);
            }
        }
        catch (OperationCanceledException)
        {
            // The destination, or its health check, is gone.
            return;
        }
    }

    private async Task<string?> ProbeAsync(ClusterSnapshot cluster, Destination destination, HealthCheckPolicy policy, CancellationToken stop)
    {
        using var limit = new CancellationTokenSource(policy.Timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, stop);
        try
        {
            return await probes.RunAsync(cluster, destination.Snapshot, policy, either.Token);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return $"no answer within {policy.Timeout.TotalSeconds:0.#} s";
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return e.GetBaseException().Message;
        }
    }

    private readonly record struct Key(DestinationState State, HealthCheckPolicy Policy);
}
