using System.Collections.Immutable;
using AspireMesh.Protocol.Policies;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Outbound;
using AspireMesh.Proxy.Outbound.LoadBalancing;
using AspireMesh.Proxy.Runtime;
using Microsoft.Extensions.Time.Testing;

namespace AspireMesh.Proxy.Tests.Outbound;

/// <summary>Clusters on fake time for unit tests.</summary>
internal sealed class Clusters : IMeshEvents
{
    public FakeTimeProvider Time { get; } = new();

    public Chance Chance { get; } = new(7);

    public List<string> Log { get; } = [];

    public ClusterTable Table { get; private set; } = ClusterTable.Empty;

    public static ImmutableArray<DestinationSnapshot> Named(params string[] names) =>
        [.. names.Select((n, i) => new DestinationSnapshot { Name = n, Address = $"127.0.0.1:{i + 1}" })];

    public static MeshSnapshot Snapshot(ClusterSnapshot cluster, string? zone = null) => new()
    {
        Version = 1, Workload = "web", Instance = "web-1", Identity = "spiffe://t/ns/default/sa/web", Zone = zone,
        Inbound = new InboundSnapshot { Listen = "127.0.0.1:0" }, Clusters = [cluster],
    };

    public static ClusterSnapshot Of(params string[] names) => new() { Name = "c", Workload = "api", Endpoint = "http", Destinations = Named(names) };

    public Cluster Apply(ClusterSnapshot cluster, string? zone = null)
    {
        Table = ClusterTable.Compile(Snapshot(cluster, zone), Table, new ClusterServices(Time, Chance, this));
        return Table.Find("c")!;
    }

    public static Dictionary<string, int> Count(Cluster cluster, int times)
    {
        var counts = new Dictionary<string, int>();
        for (var i = 0; i < times; i++)
        {
            var chosen = cluster.Choose(null, null, out _)!;
            counts[chosen.Name] = counts.GetValueOrDefault(chosen.Name) + 1;
            chosen.State.End();
        }

        return counts;
    }

    public IRequestEvents RequestStarted(in RequestStart request) => throw new InvalidOperationException("no request is made here");

    public void DestinationEjected(ClusterSnapshot cluster, string destination, string reason, TimeSpan length) =>
        Log.Add($"{destination} ejected for {length.TotalSeconds} s: {reason}");

    public void BreakerChanged(ClusterSnapshot cluster, string destination, string state) => Log.Add($"{destination} {state}");
}
