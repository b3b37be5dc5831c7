using System.Collections.Frozen;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Gateway;
using AspireMesh.Proxy.Http;
using AspireMesh.Proxy.Inbound.Forwarding;
using AspireMesh.Proxy.Outbound.Forwarding;
using AspireMesh.Proxy.Outbound.LoadBalancing;
using AspireMesh.Proxy.Outbound.Retries;
using AspireMesh.Proxy.Runtime;

namespace AspireMesh.Proxy.Pipeline;

/// <summary>All rules of one snapshot; a request that took it once never sees half of another.</summary>
internal sealed class TrafficRules : ITrafficRules
{
    public required MeshSnapshot Snapshot { get; init; }

    public required ClusterTable Clusters { get; init; }

    public required FrozenDictionary<string, ListenerRules> Outbound { get; init; }

    public required FrozenDictionary<string, InboundRules> Inbound { get; init; }

    public required FrozenDictionary<string, GatewayRules> Gateways { get; init; }

    /// <summary>Faults by cluster, to find their counters again.</summary>
    public required FrozenDictionary<string, Outbound.Routing.RouteLeg> Legs { get; init; }

    public IDestinationLease? Choose(string cluster, IReadOnlyCollection<string> tried)
    {
        if (Clusters.Find(cluster) is not { } found) return null;
        List<DestinationState>? states = null;
        foreach (var destination in found.Destinations)
            if (tried.Contains(destination.Name)) (states ??= []).Add(destination.State);
        return found.Choose(null, states, out _) is { } chosen ? new Lease(found, chosen) : null;
    }

    public async ValueTask<bool> InjectAsync(string cluster, CancellationToken cancellationToken)
    {
        if (Legs.GetValueOrDefault(cluster)?.Faults is not { } faults) return false;
        // An answer in place of the destination's is nothing that opaque bytes could carry: such a fault breaks the connection.
        return (await faults.BeforeAsync(null, new CallerIdentity(Snapshot.Identity, Snapshot.Workload), cancellationToken)).Ends;
    }

    private sealed class Lease(Cluster cluster, Destination destination) : IDestinationLease
    {
        private bool _told;
        private bool _ended;

        public ClusterSnapshot Cluster => cluster.Snapshot;

        public DestinationSnapshot Destination => destination.Snapshot;

        /// <summary>A connection says nothing about latency to the first byte, so only its success counts.</summary>
        public void Connected(bool success)
        {
            if (_told) return;
            _told = true;
            cluster.Observe(destination, success ? AttemptOutcome.Answered(200) : AttemptOutcome.Failed(AttemptFailure.Connect), TimeSpan.Zero);
        }

        public void Dispose()
        {
            if (_ended) return;
            _ended = true;
            if (!_told) cluster.Observe(destination, AttemptOutcome.Failed(AttemptFailure.CallerGone), TimeSpan.Zero);
            destination.State.End();
        }
    }
}
