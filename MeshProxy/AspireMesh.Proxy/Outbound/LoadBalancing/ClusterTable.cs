using System.Collections.Frozen;
using AspireMesh.Protocol.Policies;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Outbound.CircuitBreaking;
using AspireMesh.Proxy.Outbound.OutlierDetection;
using AspireMesh.Proxy.Runtime;

namespace AspireMesh.Proxy.Outbound.LoadBalancing;

/// <summary>
/// All clusters of one snapshot. What lives (latency, outstanding requests, ejections, breakers, turns) is taken over from the previous table by cluster and
/// destination, so that a snapshot change forgets nothing and resets no protection.
/// </summary>
internal sealed class ClusterTable
{
    private readonly FrozenDictionary<string, Cluster> _clusters;

    private ClusterTable(FrozenDictionary<string, Cluster> clusters) => _clusters = clusters;

    public static ClusterTable Empty { get; } = new(FrozenDictionary<string, Cluster>.Empty);

    public IEnumerable<Cluster> Clusters => _clusters.Values;

    public static ClusterTable Compile(MeshSnapshot snapshot, ClusterTable previous, ClusterServices services) =>
        new(snapshot.Clusters.ToFrozenDictionary(c => c.Name, c => Compile(c, previous.Find(c.Name), snapshot.Zone, services), StringComparer.Ordinal));

    public Cluster? Find(string name) => _clusters.GetValueOrDefault(name);

    private static Cluster Compile(ClusterSnapshot snapshot, Cluster? previous, string? zone, ClusterServices services)
    {
        var before = new Dictionary<string, Destination>(StringComparer.Ordinal);
        if (previous is not null)
            foreach (var destination in previous.Destinations) before[destination.Name] = destination;
        var destinations = snapshot.Destinations.Select(d => Compile(snapshot, d, before.GetValueOrDefault(d.Name), services)).ToArray();
        var balancer = previous is not null && previous.Snapshot.LoadBalancing == snapshot.LoadBalancing
            ? previous.Balancer
            : CreateBalancer(snapshot.LoadBalancing, services.Chance);
        var outliers = previous is not null && previous.Snapshot.OutlierDetection == snapshot.OutlierDetection
            ? previous.Outliers
            : CreateDetector(snapshot, services);
        return new Cluster(snapshot, destinations, balancer, outliers, zone);
    }

    private static Destination Compile(ClusterSnapshot cluster, DestinationSnapshot snapshot, Destination? before, ClusterServices services)
    {
        // Another address is another process, even under the same name: what was learnt about the old one does not hold.
        var same = before is not null && before.Snapshot.Address == snapshot.Address ? before : null;
        var breaker = cluster.CircuitBreaker is not { } policy ? null
            : same?.Breaker?.Policy == policy ? same.Breaker
            : new DestinationBreaker(services.Time, policy, state => services.Events.BreakerChanged(cluster, snapshot.Name, state.ToString()));
        return new Destination(snapshot, same?.State ?? new DestinationState(services.Time), breaker);
    }

    private static OutlierDetector? CreateDetector(ClusterSnapshot snapshot, ClusterServices services) => snapshot.OutlierDetection is not { } policy
        ? null
        : new OutlierDetector(services.Time, policy, (destination, reason, length) => services.Events.DestinationEjected(snapshot, destination.Name, reason, length));

    private static ILoadBalancer CreateBalancer(LoadBalancingPolicy policy, Chance chance) => policy.Algorithm switch
    {
        LoadBalancingAlgorithm.RoundRobin => new SmoothRoundRobin(policy.SlowStart),
        LoadBalancingAlgorithm.Random => new WeightedRandom(policy.SlowStart, chance),
        LoadBalancingAlgorithm.ConsistentHash => new ConsistentHash(policy, chance),
        _ => new TwoChoices(policy, chance),
    };
}

/// <summary>What clusters need from the sidecar.</summary>
internal sealed record ClusterServices(TimeProvider Time, Chance Chance, IMeshEvents Events);
