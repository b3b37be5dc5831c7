using System.Collections.Immutable;
using AspireMesh.Protocol.Model;

namespace AspireMesh.Hosting.Planning;

/// <summary>Ports in a cluster: each pod has a network of its own, so they are fixed and the same in every one.</summary>
internal static class ClusterPorts
{
    /// <summary>A pod's listeners for others.</summary>
    public const string AnyAddress = "0.0.0.0";

    private const int DefaultProject = 8080;
    private const int FirstFree = 8000;
    private const int Inbound = 15006;
    private const int Admin = 15021;
    private const int Egress = 15011;
    private const int FirstOutbound = 18080;
    private const int FirstGateway = 15080;

    /// <summary>The port of a caller's listener, by the edge's place among the caller's.</summary>
    public static int Outbound(int index) => FirstOutbound + index;

    /// <summary>The port of a gateway, by its place among the workload's.</summary>
    public static int Gateway(int index) => FirstGateway + index;

    /// <summary>The sidecar of every pod of a workload; each pod gets a copy under its own name.</summary>
    /// <param name="resource">The workload.</param>
    /// <param name="watched">Whether egress is: the sidecar then has a forward proxy, which its own pod alone reaches.</param>
    public static SidecarModel Sidecar(IResource resource, bool watched) => new()
    {
        Instance = resource.Name,
        Inbound = $"{AnyAddress}:{Inbound}",
        Admin = $"{AnyAddress}:{Admin}",
        Egress = watched ? $"{MeshListener.Loopback}:{Egress}" : null,
    };

    /// <summary>The endpoint that takes an endpoint's traffic: a project has no certificate in a cluster, so that its https endpoint is its http one.</summary>
    public static EndpointAnnotation Reached(IResource resource, EndpointAnnotation endpoint) =>
        resource is ProjectResource && endpoint.UriScheme == "https"
            ? resource.Annotations.OfType<EndpointAnnotation>().FirstOrDefault(e => e.UriScheme == "http" && (e.Name == "http" || $"{e.Name}s" == endpoint.Name)) ?? endpoint
            : endpoint;

    /// <summary>Where the app listens in its pod, by endpoint: its own ports where it has some, 8080 for a project's first HTTP endpoint, then 8000 and up.</summary>
    public static ImmutableDictionary<string, int> Of(IResource resource)
    {
        var endpoints = resource.Annotations.OfType<EndpointAnnotation>().Where(e => !EndpointKinds.IsUdp(e)).ToArray();
        var ports = ImmutableDictionary.CreateBuilder<string, int>(StringComparer.OrdinalIgnoreCase);
        var taken = endpoints.Select(e => e.TargetPort).OfType<int>().ToHashSet();
        foreach (var endpoint in endpoints.Where(e => Reached(resource, e) == e).OrderBy(e => e.Name != "http"))
        {
            var first = resource is ProjectResource && endpoint.UriScheme is "http" or "https" && endpoint.TargetPort is null && taken.Add(DefaultProject);
            ports[endpoint.Name] = endpoint.TargetPort ?? (first ? DefaultProject : Free(taken));
        }
        foreach (var endpoint in endpoints.Where(e => Reached(resource, e) != e)) ports[endpoint.Name] = ports[Reached(resource, endpoint).Name];
        return ports.ToImmutable();
    }

    private static int Free(HashSet<int> taken)
    {
        var port = FirstFree;
        while (!taken.Add(port)) port++;
        return port;
    }
}
