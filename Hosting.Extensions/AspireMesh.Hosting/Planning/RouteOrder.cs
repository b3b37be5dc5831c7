using System.Collections.Immutable;
using AspireMesh.Protocol.Policies;

namespace AspireMesh.Hosting.Planning;

/// <summary>The routes of an edge as they are tried.</summary>
internal static class RouteOrder
{
    /// <summary>
    /// Routes that take everything go last, whatever order they were written in: what stands behind one could never be reached.
    /// Towards an external service the Host header becomes its own, since the app wrote the listener's.
    /// </summary>
    public static ImmutableArray<RoutePolicy> Of(ImmutableArray<RoutePolicy> routes, Uri? external)
    {
        ImmutableArray<RoutePolicy> ordered = [.. routes.Where(r => !r.Matches.IsEmpty), .. routes.Where(r => r.Matches.IsEmpty)];
        if (external is null) return ordered;
        if (ordered.All(r => !r.Matches.IsEmpty)) ordered = ordered.Add(new RoutePolicy { Name = "external" });
        return [.. ordered.Select(r => r.Redirect is not null || r.Rewrite?.Host is not null ? r : r with { Rewrite = (r.Rewrite ?? new()) with { Host = external.Authority } })];
    }
}
