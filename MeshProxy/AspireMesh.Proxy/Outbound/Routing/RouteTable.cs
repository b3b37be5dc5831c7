using System.Collections.Immutable;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Faults;
using AspireMesh.Proxy.Http;
using AspireMesh.Proxy.Outbound.Forwarding;
using AspireMesh.Proxy.Outbound.LoadBalancing;
using AspireMesh.Proxy.Outbound.Retries;
using AspireMesh.Proxy.Outbound.TrafficSplit;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Outbound.Routing;

/// <summary>One leg of a route: the cluster, the faults of the edge that leads to it (null for none, which costs nothing), and the edits for this leg alone.</summary>
internal sealed record RouteLeg(Cluster Cluster, EdgeFaults? Faults, Protocol.Policies.HeaderEdits? RequestHeaders = null);

/// <summary>A route with everything looked up that a request needs.</summary>
internal sealed class CompiledRoute(RouteSnapshot snapshot, RequestMatcher[] matches, WeightedSplit<RouteLeg> split, RetryRules? retry, RetryBudget? budget, Cluster? mirror)
{
    public RouteSnapshot Snapshot { get; } = snapshot;

    public WeightedSplit<RouteLeg> Split { get; } = split;

    public RetryRules? Retry { get; } = retry;

    public RetryBudget? Budget { get; } = budget;

    public Cluster? Mirror { get; } = mirror;

    public ForwardingConfigs Forwarding { get; } = new(snapshot.Timeouts);

    public bool Matches(HttpRequest request, CallerIdentity caller, out string? prefix)
    {
        prefix = null;
        if (matches.Length == 0) return true;
        var method = Snapshot.Cors is null ? request.Method : Cors.MethodOf(request);
        foreach (var match in matches)
        {
            if (!match.Matches(request, caller, method)) continue;
            prefix = match.PathPrefix;
            return true;
        }

        return false;
    }
}

/// <summary>The routes of one listener; the first that matches wins.</summary>
internal sealed class RouteTable
{
    private readonly CompiledRoute[] _routes;

    private RouteTable(CompiledRoute[] routes) => _routes = routes;

    /// <summary>Retry budgets outlast snapshots as long as their policy does: a change elsewhere is no fresh allowance.</summary>
    public static RouteTable Compile(ImmutableArray<RouteSnapshot> routes, RouteTable? previous, Func<string, RouteLeg?> leg, TimeProvider time) =>
        new([.. routes.Select(r => Compile(r, previous?._routes.FirstOrDefault(p => p.Snapshot.Name == r.Name), leg, time))]);

    public CompiledRoute? Find(HttpRequest request, CallerIdentity caller, out string? prefix)
    {
        foreach (var route in _routes)
            if (route.Matches(request, caller, out prefix)) return route;
        prefix = null;
        return null;
    }

    private static CompiledRoute Compile(RouteSnapshot route, CompiledRoute? previous, Func<string, RouteLeg?> leg, TimeProvider time)
    {
        var legs = route.Clusters.Select(c => (Leg: WithEdits(leg(c.Cluster), c), c.Weight)).Where(l => l.Leg is not null).Select(l => (l.Leg!, l.Weight));
        RetryBudget? budget = null;
        if (route.Retry is { } policy)
            budget = previous?.Budget is { } kept && previous.Snapshot.Retry is { } before && SameBudget(before, policy)
                ? kept
                : new RetryBudget(time, policy.BudgetRatio, policy.BudgetMinPerSecond, policy.BudgetWindow);
        return new CompiledRoute(
            route,
            RequestMatcher.CompileAll(route.Matches),
            new WeightedSplit<RouteLeg>(legs),
            route.Retry is null ? null : new RetryRules(route.Retry),
            budget,
            route.Mirror is null ? null : leg(route.Mirror.Cluster)?.Cluster);
    }

    private static RouteLeg? WithEdits(RouteLeg? leg, ClusterWeight weight) => leg is not null && weight.RequestHeaders is { } edits ? leg with { RequestHeaders = edits } : leg;

    private static bool SameBudget(Protocol.Policies.RetryPolicy one, Protocol.Policies.RetryPolicy other) =>
        one.BudgetRatio.Equals(other.BudgetRatio) && one.BudgetMinPerSecond == other.BudgetMinPerSecond && one.BudgetWindow == other.BudgetWindow;
}
