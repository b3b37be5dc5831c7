using System.Collections.Frozen;
using System.Net;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Egress;
using AspireMesh.Proxy.Faults;
using AspireMesh.Proxy.Faults.Handshakes;
using AspireMesh.Proxy.Gateway;
using AspireMesh.Proxy.Http;
using AspireMesh.Proxy.Inbound.Forwarding;
using AspireMesh.Proxy.Outbound;
using AspireMesh.Proxy.Outbound.Forwarding;
using AspireMesh.Proxy.Outbound.LoadBalancing;
using AspireMesh.Proxy.Outbound.Retries;
using AspireMesh.Proxy.Passthrough;
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

    /// <summary>TLS routes by side and listener.</summary>
    public required FrozenDictionary<(MeshSide Side, string Listener), ServerNameTable> Tls { get; init; }

    /// <summary>Rules for hosts that nobody declared.</summary>
    public UndeclaredHosts UndeclaredHosts { get; } = new();

    /// <summary>What splits are chosen with.</summary>
    public required Chance Chance { get; init; }

    public TlsChoice? ChooseTls(MeshSide side, string listener, string? serverName) => Tls.GetValueOrDefault((side, listener))?.Choose(serverName, Chance);

    public IDestinationLease? Choose(string cluster, IReadOnlyCollection<string> tried, IPAddress? from)
    {
        if (Clusters.Find(cluster) is not { } found) return null;
        List<DestinationState>? states = null;
        foreach (var destination in found.Destinations)
            if (tried.Contains(destination.Name)) (states ??= []).Add(destination.State);
        return found.Choose(new Asker(null, from), states, out _) is { } chosen ? new Lease(found, chosen) : null;
    }

    /// <summary>The faults of handshakes.</summary>
    public required HandshakeFaults Handshakes { get; init; }

    public FiredFaults? Decide(string cluster, FaultStage stage) => Legs.GetValueOrDefault(cluster)?.Faults?.Decide(stage, null, new CallerIdentity(Snapshot.Identity, Snapshot.Workload));

    public FiredFaults? DecideInbound(string endpoint, string? caller)
    {
        if (!Inbound.TryGetValue(endpoint, out var rules)) return null;
        var identity = caller is null ? CallerIdentity.Unknown : CallerIdentity.FromId(caller);
        return rules.FaultsFrom(identity)?.Decide(FaultStage.Request, null, identity);
    }

    /// <summary>The faults of the control connection; null for none.</summary>
    public EdgeFaults? Control { get; init; }

    public FiredFaults? DecideControl() => Control?.Decide(FaultStage.Control, null, CallerIdentity.Unknown);

    public FiredFaults? DecideHandshake(string? to) => Handshakes.Decide(to);

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
