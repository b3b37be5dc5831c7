using System.Collections.Immutable;
using AspireMesh.Host.Registry;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;
using AspireMesh.Protocol.Snapshot;

namespace AspireMesh.Host.Policy;

/// <summary>
/// Collects the clusters of one snapshot, each once. Where the caller has an edge of its own to a cluster's endpoint, that edge's policies hold for it;
/// otherwise those of the edge whose split or mirror leads there.
/// </summary>
internal sealed class ClusterCompiler(CompileInput input, WorkloadModel caller)
{
    private readonly ModelIndex _index = input.Index;
    private readonly SortedDictionary<string, ClusterSnapshot> _clusters = new(StringComparer.Ordinal);

    public ImmutableArray<ClusterSnapshot> ToImmutable() => [.. _clusters.Values];

    /// <summary>Adds a cluster if it is not there; its name.</summary>
    /// <param name="name">The workload or external service.</param>
    /// <param name="endpoint">Its endpoint.</param>
    /// <param name="subset">Labels of its sidecars; empty for all.</param>
    /// <param name="policies">Those of the edge that leads there.</param>
    /// <param name="opaque">Whether connections are carried as they are: to an external service the app then speaks TLS itself.</param>
    public string Add(string name, string endpoint, ImmutableDictionary<string, string> subset, EdgePolicies policies, bool opaque = false)
    {
        var labels = string.Join(",", subset.OrderBy(l => l.Key, StringComparer.Ordinal).Select(l => $"{l.Key}={l.Value}"));
        var cluster = labels.Length == 0 ? $"{name}.{endpoint}" : $"{name}.{endpoint}[{labels}]";
        opaque &= _index.External(name) is not null;
        if (opaque) cluster += "[opaque]";
        if (_clusters.ContainsKey(cluster)) return cluster;
        var own = _index.EdgesFrom(caller.Name).FirstOrDefault(e => e.To == name && e.Endpoint == endpoint)?.Policies ?? policies;
        var http = !opaque && ProtocolOf(name, endpoint) == AppProtocol.Http;
        var target = _index.External(name) is { } external ? External(external, opaque) : Mesh(name, endpoint, subset);
        _clusters[cluster] = target with
        {
            Name = cluster,
            Workload = name,
            Endpoint = endpoint,
            LoadBalancing = (opaque ? null : own.LoadBalancing) ?? (http ? MeshDefaults.LoadBalancing : MeshDefaults.OpaqueLoadBalancing),
            HealthCheck = opaque ? null : own.HealthCheck,
            OutlierDetection = own.OutlierDetection ?? MeshDefaults.OutlierDetection,
            CircuitBreaker = own.CircuitBreaker,
        };
        return cluster;
    }

    public AppProtocol ProtocolOf(string name, string endpoint) =>
        _index.External(name)?.Protocol ?? _index.Workload(name)?.Endpoints.FirstOrDefault(e => e.Name == endpoint)?.Protocol ?? AppProtocol.Http;

    private static ClusterSnapshot External(ExternalServiceModel external, bool opaque)
    {
        var address = $"{external.Host}:{external.Port}";
        return new ClusterSnapshot
        {
            Name = "",
            Workload = "",
            Endpoint = "",
            Kind = external.Tls && !opaque ? ClusterKind.Tls : ClusterKind.Plain,
            ServerName = external.Host,
            TrustedRoots = external.TrustedRoots,
            AppAddresses = [address],
            Destinations = [new DestinationSnapshot { Name = address, Address = address }],
        };
    }

    private ClusterSnapshot Mesh(string name, string endpoint, ImmutableDictionary<string, string> subset)
    {
        var callee = _index.Workload(name)!;
        var plain = _index.Model.Mtls == MtlsMode.Disabled;
        var destinations = ImmutableArray.CreateBuilder<DestinationSnapshot>();
        foreach (var sidecar in Available(callee, subset))
        {
            // Without mTLS nothing on the wire names the endpoint, so the caller goes to the app's own port.
            var address = plain ? input.AppAddresses.GetValueOrDefault((sidecar.Instance, endpoint)) : sidecar.Address ?? sidecar.Inbound;
            if (string.IsNullOrEmpty(address)) continue;
            destinations.Add(new DestinationSnapshot { Name = sidecar.Instance, Address = address, Weight = sidecar.Weight, Zone = Labels.Of(callee, sidecar).GetValueOrDefault(Labels.Zone) });
        }
        return new ClusterSnapshot
        {
            Name = "",
            Workload = "",
            Endpoint = "",
            Kind = plain ? ClusterKind.Plain : ClusterKind.Mesh,
            AppAddresses = AppAddresses(callee),
            ExpectedIdentity = plain ? null : _index.Identity(name).ToString(),
            Destinations = destinations.ToImmutable(),
        };
    }

    /// <summary>The healthy ones; without any, those that run although their health check fails.</summary>
    private IEnumerable<SidecarModel> Available(WorkloadModel callee, ImmutableDictionary<string, string> subset)
    {
        var wanted = callee.Sidecars.Where(s => Labels.Match(Labels.Of(callee, s), subset)).ToArray();
        var healthy = wanted.Where(s => !input.Unhealthy.Contains(s.Instance)).ToArray();
        return healthy.Length > 0 ? healthy : wanted.Where(s => input.Running.Contains(s.Instance));
    }

    // All of the workload's: an app that redirects to https names another of its endpoints.
    private ImmutableArray<string> AppAddresses(WorkloadModel callee)
    {
        if (callee.Endpoints.All(e => e.Protocol == AppProtocol.Tcp)) return [];
        var addresses = callee.Sidecars.SelectMany(s => callee.Endpoints.Where(e => e.Protocol == AppProtocol.Http).Select(e => input.AppAddresses.GetValueOrDefault((s.Instance, e.Name))));
        return [.. addresses.OfType<string>().Distinct().Order(StringComparer.Ordinal)];
    }
}
