using AspireMesh.Hosting.Planning;
using AspireMesh.Protocol.Admin;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace AspireMesh.Hosting.Lifecycle;

/// <summary>Tells the control plane where apps listen and whether they are there: what is starting or stopped is no destination, what is unhealthy the last one asked.</summary>
internal sealed class AppStates(MeshPlan plan, IMeshControl control, ResourceNotificationService notifications)
{
    private readonly Dictionary<IResource, WorkloadPlan> _workloads = plan.Workloads.ToDictionary(w => w.Resource);
    private readonly Dictionary<string, (bool Healthy, bool Running)> _known = [];

    /// <summary>The endpoints of a resource have addresses now.</summary>
    public void EndpointsAllocated(IResource resource)
    {
        if (!_workloads.TryGetValue(resource, out var workload)) return;
        foreach (var sidecar in workload.Sidecars)
        {
            foreach (var endpoint in workload.Endpoints) control.SetAppAddress(new AppAddressChange { Workload = resource.Name, Instance = sidecar.Instance, Endpoint = endpoint.Name, Address = HostDifferences.AppAddress(sidecar, endpoint.App) });
        }
    }

    /// <summary>Follows the states of the apps until the application ends.</summary>
    public async Task FollowAsync(CancellationToken cancellationToken)
    {
        foreach (var sidecar in plan.Workloads.SelectMany(w => w.Sidecars)) Set(sidecar.Instance, (false, false));
        try
        {
            await foreach (var change in notifications.WatchAsync(cancellationToken))
            {
                if (!_workloads.TryGetValue(change.Resource, out var workload)) continue;
                var running = change.Snapshot.State?.Text == KnownResourceStates.Running;
                var healthy = running && change.Snapshot.HealthStatus is not HealthStatus.Unhealthy;
                foreach (var sidecar in HostDifferences.Beside(workload.Sidecars, change.ResourceId)) Set(sidecar.Instance, (healthy, running));
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            _known.Clear();
        }
    }

    private void Set(string instance, (bool Healthy, bool Running) state)
    {
        if (_known.TryGetValue(instance, out var before) && before == state) return;
        _known[instance] = state;
        control.SetAppHealth(new AppHealthChange { Instance = instance, Healthy = state.Healthy, Running = state.Running });
    }
}
