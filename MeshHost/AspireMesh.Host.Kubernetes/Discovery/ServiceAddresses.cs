using System.Collections.Immutable;
using System.Net;
using k8s.Models;

namespace AspireMesh.Host.Kubernetes.Discovery;

/// <summary>The addresses under which Services know workloads' endpoints: what an app dials that knows nothing of its sidecar. Immutable.</summary>
internal sealed class ServiceAddresses
{
    public static readonly ServiceAddresses None = new([]);

    private readonly ILookup<(string Workload, string Endpoint), (string? Ip, int Port)> _ports;

    private ServiceAddresses(IEnumerable<(string Workload, string Endpoint, string? Ip, int Port)> ports) => _ports = ports.ToLookup(p => (p.Workload, p.Endpoint), p => (p.Ip, p.Port));

    /// <summary>The addresses of the Services that carry a workload's label; a port's name is the endpoint's.</summary>
    public static ServiceAddresses Of(IEnumerable<V1Service> services) => new(
        from service in services.OrderBy(s => s.Metadata.Name, StringComparer.Ordinal)
        let workload = service.Metadata.Labels?.TryGetValue(ClusterNames.WorkloadLabel, out var found) == true ? found : null
        where workload is not null
        from port in service.Spec?.Ports ?? []
        where port.Name is not null && port.Name != ClusterNames.InboundPort
        from ip in Addresses(service.Spec!)
        select (workload, port.Name, ip, port.Port));

    /// <summary>The addresses of one endpoint, <c>ip:port</c>. A Service without an address of its own is dialled at those of its pods.</summary>
    public ImmutableArray<string> Of(string workload, string endpoint, IEnumerable<Pod> pods) =>
    [
        .. _ports[(workload, endpoint)]
            .SelectMany(p => p.Ip is { } ip ? [(Ip: ip, p.Port)] : pods.Select(pod => IPEndPoint.TryParse(pod.Address, out var at) ? at.Address.ToString() : null).OfType<string>().Select(at => (Ip: at, p.Port)))
            .Where(a => IPAddress.TryParse(a.Ip, out _)).Select(a => new IPEndPoint(IPAddress.Parse(a.Ip), a.Port).ToString()).Distinct().Order(StringComparer.Ordinal),
    ];

    private static IEnumerable<string?> Addresses(V1ServiceSpec spec)
    {
        IEnumerable<string> all = spec.ClusterIPs is { Count: > 0 } ips ? ips : spec.ClusterIP is { Length: > 0 } ip ? [ip] : [];
        return all.Select(a => a == "None" ? null : a);
    }
}
