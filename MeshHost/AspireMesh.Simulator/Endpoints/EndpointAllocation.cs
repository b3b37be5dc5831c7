using System.Net.Sockets;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using AspireMesh.Simulator.Orchestration;
using Microsoft.Extensions.Configuration;

namespace AspireMesh.Simulator.Endpoints;

/// <summary>Decides which process binds which port, opens the public ports, and tells everybody the addresses.</summary>
internal sealed class EndpointAllocation(IConfiguration configuration) : IAsyncDisposable
{
    private readonly List<EndpointForwarder> _forwarders = [];
    private readonly FreePorts _ports = FreePorts.FromRange(configuration["PROXYLESS_ENDPOINT_PORT_RANGE"]);

    private bool RandomizePorts => configuration.GetValue("DcpPublisher:RandomizePorts", false);

    /// <summary>Throws with every problem of every resource at once.</summary>
    public static void Validate(IEnumerable<IResource> resources)
    {
        var problems = resources.SelectMany(EndpointRules.Problems).ToArray();
        if (problems.Length > 0)
        {
            throw new InvalidOperationException(string.Join(Environment.NewLine, problems));
        }
    }

    /// <summary>Chooses the ports of every process of a resource.</summary>
    public void Prepare(IResource resource, Func<string> newInstanceSuffix)
    {
        var endpoints = resource.Annotations.OfType<EndpointAnnotation>().ToArray();
        foreach (var endpoint in endpoints.Where(e => !EndpointRules.IsProxied(resource, e)))
        {
            // From here on the annotation itself says that nobody forwards, so that Port and TargetPort mirror each other.
            endpoint.IsProxied = false;
            if (endpoint.Port is null or 0)
            {
                endpoint.Port = _ports.Next();
            }

            _ports.Take(endpoint.Port.Value);
        }

        var instances = new List<ReplicaInstance>();
        for (var ordinal = 0; ordinal < resource.GetReplicaCount(); ordinal++)
        {
            instances.Add(new ReplicaInstance(ordinal, $"{resource.Name}-{newInstanceSuffix()}", endpoints.ToDictionary(e => e.Name, e => PortToBind(resource, e), StringComparer.OrdinalIgnoreCase)));
        }

        resource.Annotations.Add(new ReplicaInstancesAnnotation(instances));
    }

    /// <summary>Opens the public ports of a resource and sets the addresses. What cannot be opened makes its readers fail; the problems are returned.</summary>
    public IReadOnlyList<string> Open(ResourceRun run)
    {
        var problems = new List<string>();
        var endpoints = run.Resource.Annotations.OfType<EndpointAnnotation>().ToArray();
        foreach (var endpoint in endpoints)
        {
            var wasGiven = endpoint.AllocatedEndpoint is not null;
            try
            {
                var port = endpoint.IsProxied ? OpenForwarder(run, endpoint) : endpoint.Port!.Value;
                if (!wasGiven)
                {
                    SetAddresses(endpoint, port, $$$"""{{- portForServing "{{{ServiceName(run.Resource, endpoint)}}}" -}}""");
                }
            }
            catch (SocketException exception)
            {
                var problem = $"The endpoint '{endpoint.Name}' of '{run.Resource.Name}' needs port {endpoint.Port}, which cannot be opened: {exception.Message}. End what uses it (lsof -i :{endpoint.Port}), or choose another port.";
                problems.Add(problem);
                foreach (var network in (NetworkIdentifier[])[endpoint.DefaultNetworkID, KnownNetworkIdentifiers.DefaultAspireContainerNetwork])
                {
                    endpoint.AllAllocatedEndpoints.Get(network).SetException(new DistributedApplicationException(problem));
                }
            }
        }

        return problems;
    }

    public static string ServiceName(IResource resource, EndpointAnnotation endpoint) =>
        resource.Annotations.OfType<EndpointAnnotation>().Count() == 1 ? resource.Name : $"{resource.Name}-{endpoint.Name}";

    public async ValueTask DisposeAsync()
    {
        foreach (var forwarder in _forwarders)
        {
            await forwarder.DisposeAsync().ConfigureAwait(false);
        }
    }

    private int PortToBind(IResource resource, EndpointAnnotation endpoint)
    {
        if (!endpoint.IsProxied)
        {
            return endpoint.Port!.Value;
        }

        // A container's TargetPort is inside the container: outside, it is published on a port of its own.
        return resource.IsContainer() || endpoint.TargetPort is null or 0 ? _ports.Next() : endpoint.TargetPort.Value;
    }

    private int OpenForwarder(ResourceRun run, EndpointAnnotation endpoint)
    {
        var port = RandomizePorts ? 0 : endpoint.Port ?? 0;
        var everywhere = AddressOf(endpoint).BindingMode != EndpointBindingMode.SingleAddress;
        var forwarder = EndpointForwarder.Open(port, everywhere, () => run.RunningPorts(endpoint.Name));
        _forwarders.Add(forwarder);
        return forwarder.Port;
    }

    private static void SetAddresses(EndpointAnnotation endpoint, int port, string targetPortExpression)
    {
        var (address, mode) = AddressOf(endpoint);
        endpoint.AllocatedEndpoint = new AllocatedEndpoint(endpoint, address, port, mode, targetPortExpression);
        var inContainers = new AllocatedEndpoint(endpoint, KnownHostNames.DockerDesktopHostBridge, port, mode, targetPortExpression, KnownNetworkIdentifiers.DefaultAspireContainerNetwork);
        endpoint.AllAllocatedEndpoints.AddOrUpdateAllocatedEndpoint(KnownNetworkIdentifiers.DefaultAspireContainerNetwork, inContainers);
    }

    private static (string Address, EndpointBindingMode BindingMode) AddressOf(EndpointAnnotation endpoint)
    {
        var host = endpoint.TargetHost;
        if (string.Equals(host, "localhost", StringComparison.OrdinalIgnoreCase) || host.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase))
        {
            return (KnownHostNames.Localhost, EndpointBindingMode.SingleAddress);
        }

        if (host == "0.0.0.0")
        {
            return (KnownHostNames.Localhost, EndpointBindingMode.IPv4AnyAddresses);
        }

        if (host is "::" or "[::]")
        {
            return (KnownHostNames.Localhost, EndpointBindingMode.IPv6AnyAddresses);
        }

        return System.Net.IPAddress.TryParse(host, out _) ? (host, EndpointBindingMode.SingleAddress) : (KnownHostNames.Localhost, EndpointBindingMode.DualStackAnyAddresses);
    }
}
