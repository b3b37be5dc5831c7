using System.Globalization;
using k8s.Models;

namespace AspireMesh.Host.Kubernetes.Discovery;

/// <summary>A pod as EndpointSlices show it.</summary>
/// <param name="Workload">Its workload.</param>
/// <param name="Name">Its name: the instance.</param>
/// <param name="Address">Where its inbound listener is reached, <c>host:port</c>; empty for a pod that is known only from its sidecar, or is going away.</param>
/// <param name="Ready">Whether it takes traffic.</param>
/// <param name="Zone">Its zone; null where the cluster has none.</param>
internal sealed record Pod(string Workload, string Name, string Address, bool Ready, string? Zone)
{
    /// <summary>The pods of a set of slices, by name. A pod that several slices name (two Services, two address families) counts once, with the first address.</summary>
    public static SortedDictionary<string, Pod> Of(IEnumerable<V1EndpointSlice> slices)
    {
        var pods = new SortedDictionary<string, Pod>(StringComparer.Ordinal);
        foreach (var slice in slices.OrderBy(s => s.AddressType, StringComparer.Ordinal).ThenBy(s => s.Metadata.Name, StringComparer.Ordinal))
        {
            if (slice.Metadata.Labels?.TryGetValue(ClusterNames.WorkloadLabel, out var workload) != true) continue;
            if (slice.Ports?.FirstOrDefault(p => p.Name == ClusterNames.InboundPort)?.Port is not { } port) continue;
            foreach (var endpoint in slice.Endpoints ?? []) pods.TryAdd(NameOf(endpoint), Read(workload!, endpoint, port));
        }
        return pods;
    }

    // An endpoint without a pod behind it was written by hand; its address is as good a name.
    private static string NameOf(V1Endpoint endpoint) => endpoint.TargetRef?.Name ?? endpoint.Addresses[0];

    private static Pod Read(string workload, V1Endpoint endpoint, int port)
    {
        // Nothing said about readiness means ready (the API's documentation of EndpointConditions).
        var leaving = endpoint.Conditions?.Terminating == true;
        var host = endpoint.Addresses[0];
        var address = host.Contains(':') ? $"[{host}]" : host;
        return new Pod(workload, NameOf(endpoint), leaving ? "" : string.Create(CultureInfo.InvariantCulture, $"{address}:{port}"), endpoint.Conditions?.Ready ?? true, endpoint.Zone);
    }
}
