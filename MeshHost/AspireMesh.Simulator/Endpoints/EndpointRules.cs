using Aspire.Hosting.ApplicationModel;

namespace AspireMesh.Simulator.Endpoints;

/// <summary>Which combinations of ports, proxy and replicas cannot work.</summary>
internal static class EndpointRules
{
    public static bool IsProxied(IResource resource, EndpointAnnotation endpoint) =>
        endpoint.IsExplicitlyProxied ?? (!resource.TryGetLastAnnotation<ProxySupportAnnotation>(out var support) || support.ProxyEnabled);

    /// <summary>Everything that is wrong with a resource's endpoints.</summary>
    public static IEnumerable<string> Problems(IResource resource)
    {
        var replicas = resource.GetReplicaCount();
        var isContainer = resource.IsContainer();
        foreach (var endpoint in resource.Annotations.OfType<EndpointAnnotation>())
        {
            var at = $"The endpoint '{endpoint.Name}' of the resource '{resource.Name}'";
            if (endpoint.Protocol == System.Net.Sockets.ProtocolType.Udp && IsProxied(resource, endpoint))
            {
                yield return $"{at} is UDP, which the simulator does not forward. Use isProxied: false, or build with -p:AspireHosting=packages.";
            }

            if (isContainer && endpoint.TargetPort is null or 0)
            {
                yield return $"{at} must specify the TargetPort: the port the container listens on.";
            }

            if (!IsProxied(resource, endpoint))
            {
                if (replicas > 1)
                {
                    yield return $"{at} is proxyless, and a resource with {replicas} replicas needs a proxy. Remove isProxied: false or WithReplicas.";
                }

                if (!isContainer && endpoint.Port is { } port and not 0 && endpoint.TargetPort is { } target and not 0 && port != target)
                {
                    yield return $"{at} is proxyless, so Port ({port}) and TargetPort ({target}) have to be the same.";
                }

                continue;
            }

            if (!isContainer && endpoint.Port is { } fixedPort and not 0 && endpoint.TargetPort == fixedPort)
            {
                yield return $"{at} is proxied and has Port and TargetPort both {fixedPort}: the proxy and the process cannot listen on one port. Leave one out, or use isProxied: false.";
            }

            if (replicas > 1 && endpoint.TargetPort is not null and not 0)
            {
                yield return $"{at} has TargetPort {endpoint.TargetPort}, and {replicas} replicas cannot all listen on it. Leave targetPort out.";
            }
        }

        var twice = resource.Annotations.OfType<EndpointAnnotation>().GroupBy(e => e.Name, StringComparer.OrdinalIgnoreCase).Where(g => g.Count() > 1);
        foreach (var group in twice)
        {
            yield return $"The resource '{resource.Name}' has {group.Count()} endpoints named '{group.Key}'.";
        }
    }
}
