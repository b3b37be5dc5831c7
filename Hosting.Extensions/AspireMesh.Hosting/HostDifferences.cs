#if ASPIRE_SIMULATOR
using System.Globalization;
using AspireMesh.Simulator;
#endif
using System.Collections.Immutable;
using AspireMesh.Hosting.Planning;

namespace AspireMesh.Hosting;

/// <summary>
/// The only place that knows which host is underneath. The simulator tells replicas apart: their private ports are known and a value may differ by replica.
/// Aspire's DCP does not: there, a resource has one sidecar, and its replicas are behind DCP's own proxy (balanced per connection).
/// </summary>
internal static class HostDifferences
{
#if ASPIRE_SIMULATOR
    /// <summary>Shown in the ready line.</summary>
    public const string HostName = "simulator";

    /// <summary>How many sidecars a resource has.</summary>
    public static int SidecarsOf(IResource resource) => resource.TryGetLastAnnotation<ReplicaAnnotation>(out var replicas) ? replicas.Replicas : 1;

    /// <summary>Gives each replica of the caller its own port for what a value says.</summary>
    public static void SetReplicaPorts(IResource caller, MeshListener listener)
    {
        if (listener.Ports.Length <= 1) return;
        if (!caller.TryGetLastAnnotation<ReplicaValuesAnnotation>(out var values)) caller.Annotations.Add(values = new ReplicaValuesAnnotation());
        for (var ordinal = 0; ordinal < listener.Ports.Length; ordinal++) values.Set(ordinal, listener.Key, listener.Ports[ordinal].ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>Where the app beside a sidecar listens; null while it is not known.</summary>
    public static string? AppAddress(SidecarPlan sidecar, EndpointAnnotation endpoint)
    {
        var replica = Participants.IsContainer(sidecar.Resource) || !sidecar.Resource.TryGetLastAnnotation<ReplicaInstancesAnnotation>(out var replicas)
            ? null
            : replicas.Instances.FirstOrDefault(r => r.Ordinal == sidecar.Ordinal);
        return replica is not null && replica.TargetPorts.TryGetValue(endpoint.Name, out var port) ? $"{Loopback(endpoint.TargetHost)}:{port}" : Allocated(endpoint);
    }

    /// <summary>The sidecars beside the instance of a resource with that id.</summary>
    public static IEnumerable<SidecarPlan> Beside(ImmutableArray<SidecarPlan> sidecars, string resourceId)
    {
        if (sidecars.Length > 1 && sidecars[0].Resource.TryGetLastAnnotation<ReplicaInstancesAnnotation>(out var replicas)
            && replicas.Instances.FirstOrDefault(r => r.InstanceId == resourceId) is { } replica)
        {
            return sidecars.Where(s => s.Ordinal == replica.Ordinal);
        }
        return sidecars;
    }

    /// <summary>The id of the replica that a sidecar stands beside; null where the resource has one instance.</summary>
    public static string? ReplicaBeside(IResource workload, int ordinal) =>
        workload.TryGetLastAnnotation<ReplicaInstancesAnnotation>(out var replicas) && replicas.Instances.Count > 1 ? replicas.Instances.FirstOrDefault(r => r.Ordinal == ordinal)?.InstanceId : null;

    /// <summary>What the engine knows a resource's container by.</summary>
    public static string? ContainerOf(ResourceEvent running) => running.Resource.TryGetLastAnnotation<ContainerNameAnnotation>(out var given) ? given.Name : running.ResourceId;

    /// <summary>Nothing to do: a failed step ends the AppHost with an exit code.</summary>
    public static void TellOfFailedPublish()
    {
    }
#else
    /// <summary>Shown in the ready line.</summary>
    public const string HostName = "aspire";

    /// <summary>How many sidecars a resource has.</summary>
    public static int SidecarsOf(IResource resource) => 1;

    /// <summary>Nothing to do: there is one sidecar, so one port.</summary>
    public static void SetReplicaPorts(IResource caller, MeshListener listener)
    {
    }

    /// <summary>Where the app beside a sidecar listens; null while it is not known.</summary>
    public static string? AppAddress(SidecarPlan sidecar, EndpointAnnotation endpoint) => Allocated(endpoint);

    /// <summary>The sidecars beside the instance of a resource with that id.</summary>
    public static IEnumerable<SidecarPlan> Beside(ImmutableArray<SidecarPlan> sidecars, string resourceId) => sidecars;

    /// <summary>Always null: a resource has one sidecar.</summary>
    public static string? ReplicaBeside(IResource workload, int ordinal) => null;

    /// <summary>What the engine knows a resource's container by; null while it is not created.</summary>
    public static string? ContainerOf(ResourceEvent running) => running.Snapshot.Properties.FirstOrDefault(p => p.Name == "container.id")?.Value as string;

    /// <summary>Aspire 13.5 logs a failed step and ends with exit code 0, unless its own command line started the AppHost: what builds on a chart would go on with half of one.</summary>
    public static void TellOfFailedPublish() => Environment.ExitCode = 1;
#endif

    private static string? Allocated(EndpointAnnotation endpoint) =>
        endpoint.AllocatedEndpoint is { } allocated ? $"{Loopback(allocated.Address)}:{allocated.Port}" : null;

    private static string Loopback(string host) => host is "localhost" or "0.0.0.0" or "::" or "*" or "+" || host.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase) ? "127.0.0.1" : host;
}
