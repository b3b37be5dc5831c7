using System.Collections.Immutable;
using System.Threading.Channels;
using AspireMesh.Hosting.Planning;

namespace AspireMesh.Hosting.Lifecycle;

/// <summary>Keeps the rows of sidecars and of the mesh in the dashboard up to date: identity, SVID expiry, snapshot, addresses.</summary>
internal sealed class SidecarRows(MeshRuntime runtime, MeshResource mesh, DistributedApplicationModel model, MeshPlan plan, ResourceNotificationService notifications)
{
    private readonly Channel<string> _changes = Channel.CreateUnbounded<string>(new UnboundedChannelOptions { SingleReader = true });

    /// <summary>A sidecar's state changed.</summary>
    public void Changed(string instance) => _changes.Writer.TryWrite(instance);

    /// <summary>Publishes changes until the application ends.</summary>
    public async Task FollowAsync(CancellationToken cancellationToken)
    {
        var rows = model.Resources.OfType<IMeshSidecarResource>().ToDictionary(r => r.Instance);
        var ordinals = plan.Workloads.SelectMany(w => w.Sidecars).ToDictionary(s => s.Instance, s => s.Ordinal);
        await notifications.PublishUpdateAsync(mesh, s => s with { State = new ResourceStateSnapshot(KnownResourceStates.Starting, KnownResourceStateStyles.Info) });
        try
        {
            await foreach (var instance in _changes.Reader.ReadAllAsync(cancellationToken))
            {
                if (!rows.TryGetValue(instance, out var row) || runtime.StatusOf(instance) is not { } status) continue;
                // Before its process runs the host has not named its instance, and the row would be a second one under the resource's name.
                if (row is MeshSidecarProcessResource && status is { SvidExpires: null, Snapshot: 0 }) continue;
                await notifications.PublishUpdateAsync(row, s => s with
                {
                    Properties = With(
                        s.Properties,
                        // Under its own replica where the host tells them apart.
                        ("resource.parentName", HostDifferences.ReplicaBeside(row.Workload, ordinals[instance]) ?? s.Properties.FirstOrDefault(p => p.Name == "resource.parentName")?.Value),
                        ("mesh.identity", status.Identity),
                        ("mesh.svid.expires", status.SvidExpires?.ToString("u", System.Globalization.CultureInfo.InvariantCulture)),
                        ("mesh.snapshot", status.Snapshot),
                        ("mesh.inbound", status.Inbound),
                        ("mesh.admin", status.Admin)),
                });
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            _changes.Writer.TryComplete();
        }
    }

    /// <summary>Every sidecar is ready.</summary>
    public Task MeshIsReadyAsync(MeshResource resource, MeshPlan ready, SidecarHosting hosting, string admin) => notifications.PublishUpdateAsync(resource, s => s with
    {
        State = new ResourceStateSnapshot(KnownResourceStates.Running, KnownResourceStateStyles.Success),
        Properties = With(
            s.Properties,
            ("mesh.trustDomain", plan.Model.TrustDomain),
            ("mesh.mtls", ready.Model.Mtls.ToString()),
            ("mesh.sidecarHosting", hosting.ToString()),
            ("mesh.workloads", ready.Workloads.Length),
            ("mesh.edges", ready.Edges.Length),
            ("mesh.admin", admin)),
    });

    /// <summary>The properties with others set; those without value are left out.</summary>
    public static ImmutableArray<ResourcePropertySnapshot> With(ImmutableArray<ResourcePropertySnapshot> properties, params ReadOnlySpan<(string Name, object? Value)> set)
    {
        foreach (var (name, value) in set)
        {
            properties = properties.RemoveAll(p => p.Name == name);
            if (value is not null) properties = properties.Add(new ResourcePropertySnapshot(name, value));
        }
        return properties;
    }
}
