using System.Collections.Immutable;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;

namespace AspireMesh.Hosting.Kubernetes.Rendering;

/// <summary>What has to be known of routes before they are said in another mesh's words, so that none takes more requests there than here.</summary>
internal static class RouteShape
{
    /// <summary>
    /// The routes of an edge that a request can come to, and those it cannot: behind a route that takes everything, or waiting for a caller that this edge is not of.
    /// Our sidecar never comes to the latter; a mesh that picks the most specific route would.
    /// </summary>
    public static (ImmutableArray<RoutePolicy> Reached, ImmutableArray<RoutePolicy> Never) Of(EdgeModel edge)
    {
        var reached = ImmutableArray.CreateBuilder<RoutePolicy>();
        var never = ImmutableArray.CreateBuilder<RoutePolicy>();
        var closed = false;
        foreach (var route in edge.Policies.Routes)
        {
            var own = route.Matches.RemoveAll(m => m.Callers.Length > 0 && !m.Callers.Contains(edge.From));
            if (closed || (own.Length == 0 && route.Matches.Length > 0))
            {
                never.Add(route);
                continue;
            }
            reached.Add(own.Any(m => m.Callers.Length > 0) || own.Length < route.Matches.Length ? route with { Matches = [.. own.Select(m => m with { Callers = [] })] } : route);
            closed = own.Length == 0 || own.Any(TakesEverything);
        }
        return (reached.ToImmutable(), never.ToImmutable());
    }

    /// <summary>Whether all of a match's conditions have words under a Service as parent: host and baggage have none in Gateway API, Kuma and Consul.</summary>
    public static bool IsSayable(RouteMatch match) => match.Host is null && match.Baggage.Length == 0;

    /// <summary>
    /// The matches that can be said, one method each. Null where a route has conditions and none of them can be said: written without them it would take every request,
    /// so it is left out.
    /// </summary>
    public static ImmutableArray<RouteMatch>? Sayable(RoutePolicy route)
    {
        if (route.Matches.Length == 0) return [];
        ImmutableArray<RouteMatch> said = [.. route.Matches.Where(IsSayable).SelectMany(OneMethodEach)];
        return said.Length == 0 ? null : said;
    }

    /// <summary>One match per method, for meshes whose matches have one.</summary>
    public static IEnumerable<RouteMatch> OneMethodEach(RouteMatch match) =>
        match.Methods.Length < 2 ? [match] : match.Methods.Select(m => match with { Methods = [m] });

    /// <summary>
    /// A prefix as this mesh means it, by whole segments, for meshes whose prefixes are of characters: the path itself, and everything below it. Null for what is no such prefix.
    /// </summary>
    public static (string Itself, string Below)? Segments(StringMatch? path) =>
        path is { Kind: StringMatchKind.Prefix } && path.Value.TrimEnd('/') is { Length: > 0 } itself ? (itself, itself + "/") : null;

    /// <summary>Whether a route before this one takes requests that a mesh which picks the most specific route (Gateway API, Kuma) would give to this one.</summary>
    public static bool IsPickedEarlier(EdgeModel edge, RoutePolicy route) =>
        edge.Policies.Routes.TakeWhile(r => r.Name != route.Name).Where(r => Sayable(r) is not null).Any(earlier => earlier.Matches.Any(e => route.Matches.Any(l => Covers(e, l) && Rank(l).CompareTo(Rank(e)) > 0)));

    private static bool TakesEverything(RouteMatch match) =>
        match is { Host: null, GrpcService: null, Methods.Length: 0, Headers.Length: 0, Query.Length: 0, Baggage.Length: 0 }
        && (match.Path is null || match.Path.Kind == StringMatchKind.Present || (match.Path.Kind == StringMatchKind.Prefix && match.Path.Value == "/"));

    /// <summary>Whether there are requests that both take, as far as paths and methods tell.</summary>
    private static bool Covers(RouteMatch earlier, RouteMatch later) =>
        (earlier.Methods.Length == 0 || later.Methods.Length == 0 || earlier.Methods.Intersect(later.Methods).Any())
        && (PathOf(earlier) is not { } a || (PathOf(later) is { } b && b.Value.StartsWith(a.Value.TrimEnd('/'), StringComparison.Ordinal)));

    // Gateway API's order: an exact path, the longer prefix, a method, more headers, more query parameters.
    private static (bool Exact, int Path, bool Method, int Headers, int Query) Rank(RouteMatch match) =>
        (PathOf(match)?.Kind == StringMatchKind.Exact, PathOf(match)?.Value.Length ?? 0, match.Methods.Length > 0, match.Headers.Length, match.Query.Length);

    private static StringMatch? PathOf(RouteMatch match) =>
        match.GrpcService is null ? match.Path : new(match.GrpcMethod is null ? StringMatchKind.Prefix : StringMatchKind.Exact, $"/{match.GrpcService}/{match.GrpcMethod}");
}
