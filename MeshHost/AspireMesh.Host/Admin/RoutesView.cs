using System.Collections.Immutable;
using System.Globalization;
using AspireMesh.Host.Registry;
using AspireMesh.Protocol.Admin;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;
using AspireMesh.Protocol.Snapshot;

namespace AspireMesh.Host.Admin;

/// <summary>The compiled routes of every sidecar, in words.</summary>
internal static class RoutesView
{
    /// <summary>Who calls at a gateway, as in metrics.</summary>
    private const string Outside = "outside";

    public static RouteView[] Of(SidecarRegistry registry) =>
        registry.Read(sidecars => sidecars.Values.OrderBy(s => s.Instance, StringComparer.Ordinal).Select(s => s.Snapshot?.Snapshot).OfType<MeshSnapshot>().SelectMany(Of).ToArray());

    private static IEnumerable<RouteView> Of(MeshSnapshot snapshot)
    {
        var clusters = snapshot.Clusters.ToDictionary(c => c.Name);
        foreach (var listener in snapshot.Outbound)
        {
            var row = new RouteView { From = snapshot.Instance, To = listener.Destination, Endpoint = listener.Endpoint, Protocol = listener.Protocol == AppProtocol.Tcp ? "tcp" : "http", Listen = listener.Listen };
            if (listener.Cluster is { } cluster) yield return row with { Legs = [Leg(cluster, 1, clusters)] };
            foreach (var route in Of(row, listener.TlsRoutes, listener.Routes, clusters)) yield return route;
        }
        foreach (var gateway in snapshot.Gateways)
        {
            var row = new RouteView { From = Outside, To = gateway.Name, Endpoint = "", Protocol = "http", Listen = gateway.Listen };
            foreach (var route in Of(row, gateway.TlsRoutes, gateway.Routes, clusters)) yield return route;
        }
    }

    private static IEnumerable<RouteView> Of(RouteView row, ImmutableArray<TlsRouteSnapshot> tls, ImmutableArray<RouteSnapshot> routes, Dictionary<string, ClusterSnapshot> clusters)
    {
        foreach (var route in tls)
        {
            yield return row with { Protocol = "tls", Route = route.Name, Match = $"server name {string.Join(" or ", route.ServerNames)}", Legs = [.. route.Clusters.Select(c => Leg(c.Cluster, c.Weight, clusters))] };
        }
        foreach (var route in routes)
        {
            yield return row with { Route = route.Name, Match = Match(route.Matches), Policy = Policy(route), Legs = [.. route.Clusters.Select(c => Leg(c.Cluster, c.Weight, clusters))] };
        }
    }

    private static LegView Leg(string cluster, int weight, Dictionary<string, ClusterSnapshot> clusters) =>
        new() { Cluster = cluster, Weight = weight, Destinations = [.. clusters[cluster].Destinations.Select(Destination)] };

    private static string Destination(DestinationSnapshot destination) =>
        destination.Weight == 1 ? $"{destination.Name}={destination.Address}" : string.Create(CultureInfo.InvariantCulture, $"{destination.Name}={destination.Address} (weight {destination.Weight})");

    private static string Match(ImmutableArray<RouteMatch> matches) => string.Join(" or ", matches.Select(Match));

    private static string Match(RouteMatch match)
    {
        var parts = new List<string>();
        if (match.Methods.Length > 0) parts.Add(string.Join('|', match.Methods));
        if (match.Host is { } host) parts.Add($"host {Text(host)}");
        if (match.Path is { } path) parts.Add($"path {Text(path)}");
        if (match.GrpcService is { } service) parts.Add($"grpc {service}/{match.GrpcMethod ?? "*"}");
        parts.AddRange(match.Headers.Select(h => $"header {h.Name} {Text(h.Match)}"));
        parts.AddRange(match.Query.Select(q => $"query {q.Name} {Text(q.Match)}"));
        parts.AddRange(match.Baggage.Select(b => $"baggage {b.Name} {Text(b.Match)}"));
        return parts.Count == 0 ? "anything" : string.Join(' ', parts);
    }

    private static string Text(StringMatch match) => match.Kind switch
    {
        StringMatchKind.Exact => $"= {match.Value}",
        StringMatchKind.Prefix => $"{match.Value}*",
        StringMatchKind.Regex => $"~ {match.Value}",
        _ => "present",
    };

    private static string Policy(RouteSnapshot route)
    {
        var parts = new List<string>();
        if (route.Redirect is { } redirect) parts.Add($"redirect {redirect.Status}");
        if (route.Rewrite is not null) parts.Add("rewrite");
        if (route.Timeouts.Request > TimeSpan.Zero) parts.Add($"deadline {Seconds(route.Timeouts.Request)}");
        if (route.Timeouts.PerTry > TimeSpan.Zero) parts.Add($"per try {Seconds(route.Timeouts.PerTry)}");
        if (route.Retry is { MaxRetries: > 0 } retry) parts.Add($"retries {retry.MaxRetries}");
        if (route.Hedging is { } hedging) parts.Add($"hedges {hedging.MaxHedges}");
        if (route.Cors is not null) parts.Add("cors");
        if (route.RequestHeaders is not null || route.ResponseHeaders is not null) parts.Add("header edits");
        if (route.Mirror is { } mirror) parts.Add(string.Create(CultureInfo.InvariantCulture, $"mirror {mirror.Percent}% to {mirror.Cluster}"));
        return string.Join(", ", parts);
    }

    private static string Seconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds} s");
}
