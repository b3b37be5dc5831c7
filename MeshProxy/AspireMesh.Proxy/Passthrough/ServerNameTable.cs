using System.Collections.Frozen;
using System.Collections.Immutable;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Outbound;
using AspireMesh.Proxy.Outbound.TrafficSplit;
using AspireMesh.Proxy.Runtime;

namespace AspireMesh.Proxy.Passthrough;

/// <summary>The TLS routes of one listener: a name wins over a wildcard, a longer wildcard over a shorter one, and everything comes last.</summary>
internal sealed class ServerNameTable
{
    private const string Everything = "*";

    private readonly FrozenDictionary<string, Route> _routes;

    private ServerNameTable(FrozenDictionary<string, Route> routes) => _routes = routes;

    public static ServerNameTable Compile(ImmutableArray<TlsRouteSnapshot> routes)
    {
        var byName = new Dictionary<string, Route>(StringComparer.Ordinal);
        foreach (var route in routes)
        {
            var compiled = new Route(route.Name, new WeightedSplit<string>(route.Clusters.Select(c => (c.Cluster, c.Weight))));
            foreach (var name in route.ServerNames) byName.TryAdd(name, compiled);
        }
        return new ServerNameTable(byName.ToFrozenDictionary(StringComparer.Ordinal));
    }

    /// <summary>Where a connection goes that asks for this name; null when nothing matches, or no leg has weight.</summary>
    public TlsChoice? Choose(string? serverName, Chance chance)
    {
        var route = Find(serverName);
        return route?.Split.Choose(chance) is { } cluster ? new TlsChoice(route.Name, cluster) : null;
    }

    private Route? Find(string? serverName)
    {
        if (serverName is not null)
        {
            if (_routes.TryGetValue(serverName, out var exact)) return exact;
            for (var dot = serverName.IndexOf('.'); dot >= 0; dot = serverName.IndexOf('.', dot + 1))
            {
                if (_routes.TryGetValue(string.Concat(Everything, serverName.AsSpan(dot)), out var wildcard)) return wildcard;
            }
        }
        return _routes.GetValueOrDefault(Everything);
    }

    private sealed record Route(string Name, WeightedSplit<string> Split);
}
