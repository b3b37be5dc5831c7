using System.Globalization;
using System.Text.Json.Nodes;
using AspireMesh.Hosting.Kubernetes.Rendering;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;
using static AspireMesh.Hosting.Kubernetes.Rendering.Tree;

namespace AspireMesh.Hosting.Kubernetes.Backends.Consul;

/// <summary>ServiceRouter, ServiceSplitter and ServiceResolver of a callee. They hold for all callers: the edge with the most routes is written.</summary>
internal static class ConsulRoutes
{
    public static void Render(RenderSession session, WorkloadModel callee)
    {
        var edge = Leading(session, callee.Name);
        if (edge is null) return;
        var service = ConsulRenderer.ServiceOf(session, callee.Name);
        var routes = new JsonArray();
        foreach (var route in edge.Policies.Routes.Where(r => r.Redirect is null && r.Split.Length == 0).SelectMany(r => RoutesOf(edge, service, r))) routes.Add(route);
        foreach (var route in RoutesOf(edge, service, new RoutePolicy { Name = "default" })) routes.Add(route);
        session.Add(ConsulRenderer.Entry(session, "ServiceRouter", service, Map(("routes", routes))));

        var split = edge.Policies.Routes.FirstOrDefault(IsPlainSplit);
        if (split is not null)
        {
            var total = split.Split.Sum(l => l.Weight);
            var legs = List(split.Split.Select(l => Map(
                ("weight", Math.Round(100.0 * l.Weight / total, 2)),
                ("service", l.Workload is null ? null : ConsulRenderer.ServiceOf(session, l.Workload)),
                ("serviceSubset", Subset(l)),
                ("requestHeaders", EditsOf(l.RequestHeaders)))));
            session.Add(ConsulRenderer.Entry(session, "ServiceSplitter", service, Map(("splits", legs))));
        }
        var subsets = new JsonObject();
        foreach (var leg in edge.Policies.Routes.SelectMany(r => r.Split).Where(l => Subset(l) is not null).DistinctBy(Subset))
        {
            subsets[Subset(leg)!] = Map(("filter", string.Join(" and ", leg.Subset.OrderBy(s => s.Key, StringComparer.Ordinal).Select(s => $"Service.Meta.{s.Key} == \"{s.Value}\""))));
        }
        session.Add(ConsulRenderer.Entry(session, "ServiceResolver", service, Map(
            ("connectTimeout", Duration((edge.Policies.Timeouts ?? MeshDefaults.Timeouts).Connect)),
            ("subsets", subsets.OrNull()),
            ("loadBalancer", BalancerOf(edge.Policies.LoadBalancing ?? MeshDefaults.LoadBalancing)))));
    }

    public static bool TryVerdict(RenderSession session, PolicyItem item)
    {
        if (item.Edge is not { } edge) return false;
        var leading = Leading(session, edge.To);
        var stands = leading is null || leading == edge || leading.Policies == edge.Policies;
        void Taken(string where)
        {
            if (stands) session.Rendered(item, where);
            else session.Approximated(item, $"{where}; it belongs to the callee, and the edge from {leading!.From} has more to say");
        }
        switch (item.Kind)
        {
            case PolicyKind.LoadBalancing or PolicyKind.IdleTimeout when PolicyItems.ProtocolOf(session.Model, edge) == AppProtocol.Tcp:
                session.Missing(item, "routers and resolvers are written for HTTP services");
                return true;
            case PolicyKind.RequestTimeout: Taken("ServiceRouter requestTimeout"); return true;
            case PolicyKind.IdleTimeout: Taken("ServiceRouter idleTimeout"); return true;
            case PolicyKind.PerTryTimeout: session.Missing(item, "ServiceRouter has no per-try timeout"); return true;
            case PolicyKind.Retry: session.Approximated(item, "ServiceRouter numRetries on connect failure; other conditions would repeat non-idempotent requests"); return true;
            case PolicyKind.RetryBudget: session.Missing(item, "Consul has no retry budget"); return true;
            case PolicyKind.LoadBalancing when item.Detail == nameof(LoadBalancingAlgorithm.PeakEwma): session.Approximated(item, "least_request instead of peak EWMA"); return true;
            case PolicyKind.LoadBalancing: Taken("ServiceResolver loadBalancer"); return true;
            case PolicyKind.Route when item.Route!.Redirect is not null || item.Route.Split.Length > 0 || item.Route.Matches.Any(m => !RouteShape.IsSayable(m)):
                if (IsPlainSplit(item.Route)) Taken("ServiceSplitter");
                else session.Missing(item, "ServiceRouter has no redirect and no match on host or baggage, and splits by route are not written");
                return true;
            case PolicyKind.Route: Taken("ServiceRouter match"); return true;
            case PolicyKind.LegHeaderEdits when IsPlainSplit(item.Route!): Taken("ServiceSplitter splits[].requestHeaders"); return true;
            case PolicyKind.Rewrite or PolicyKind.HeaderEdits when item.Route!.Redirect is not null || item.Route.Split.Length > 0 || RouteShape.Sayable(item.Route) is null: session.Missing(item, "its route is left out"); return true;
            case PolicyKind.TrafficSplit when IsPlainSplit(item.Route!) && item.Route!.Split.Any(l => l.Subset.Count > 0):
                session.Approximated(item, "ServiceSplitter; its subsets go by the pods' annotations consul.hashicorp.com/service-meta-…, which are the application's to set");
                return true;
            case PolicyKind.TrafficSplit when IsPlainSplit(item.Route!): Taken("ServiceSplitter"); return true;
            case PolicyKind.TrafficSplit: session.Missing(item, "a split under a match needs a virtual service of its own"); return true;
            case PolicyKind.Rewrite when item.Route!.Rewrite!.Host is null && item.Route.Rewrite.Path is null: Taken("ServiceRouter prefixRewrite"); return true;
            case PolicyKind.Rewrite: session.Missing(item, "ServiceRouter rewrites prefixes only"); return true;
            case PolicyKind.HeaderEdits: Taken("ServiceRouter requestHeaders and responseHeaders"); return true;
            default: return false;
        }
    }

    private static bool IsPlainSplit(RoutePolicy route) => route.Split.Length > 0 && route.Matches.Length == 0;

    private static EdgeModel? Leading(RenderSession session, string callee) =>
        session.Model.Edges.Where(e => e.To == callee && session.Placement.Workloads.ContainsKey(e.To) && ConsulRenderer.IsRegistered(session, e) && PolicyItems.ProtocolOf(session.Model, e) == AppProtocol.Http).MaxBy(e => e.Policies.Routes.Length);

    private static string? Subset(TrafficSplitLeg leg) => Istio.IstioDestinations.SubsetName(leg);

    // A route has one match, and its prefixes are of characters: one that means whole segments is two routes, each with what takes the prefix's place.
    private static IEnumerable<JsonObject> RoutesOf(EdgeModel edge, string service, RoutePolicy route)
    {
        if (route.Matches.Length == 0) return [RouteOf(edge, service, route, null, route.Rewrite?.PrefixPath)];
        return (RouteShape.Sayable(route) ?? []).SelectMany(m => RouteShape.Segments(m.Path) is { } prefix
            ? new[]
            {
                RouteOf(edge, service, route, m with { Path = new(StringMatchKind.Exact, prefix.Itself) }, route.Rewrite?.PrefixPath),
                RouteOf(edge, service, route, m with { Path = new(StringMatchKind.Prefix, prefix.Below) }, route.Rewrite?.PrefixPath is { } to ? to.TrimEnd('/') + "/" : null),
            }
            : [RouteOf(edge, service, route, m, route.Rewrite?.PrefixPath)]);
    }

    private static JsonObject RouteOf(EdgeModel edge, string service, RoutePolicy route, RouteMatch? match, string? prefix)
    {
        var timeouts = route.Timeouts ?? edge.Policies.Timeouts ?? MeshDefaults.Timeouts;
        var retry = route.Retry ?? edge.Policies.Retry ?? MeshDefaults.Retry;
        var destination = Map(
            ("service", service),
            ("prefixRewrite", prefix),
            ("requestTimeout", timeouts.Request > TimeSpan.Zero ? Duration(timeouts.Request) : null),
            ("idleTimeout", timeouts.Idle > TimeSpan.Zero ? Duration(timeouts.Idle) : null),
            ("numRetries", retry.MaxRetries > 0 ? retry.MaxRetries : null),
            ("retryOnConnectFailure", retry.MaxRetries > 0 && retry.Conditions.HasFlag(RetryConditions.ConnectFailure)),
            ("retryOnStatusCodes", retry.MaxRetries > 0 && retry.NonIdempotentMethods && retry.StatusCodes.Length > 0 ? List(retry.StatusCodes.Select(c => (JsonNode?)c)) : null),
            ("requestHeaders", EditsOf(route.RequestHeaders)),
            ("responseHeaders", EditsOf(route.ResponseHeaders)));
        return Map(("match", match is null ? null : Map(("http", MatchOf(match)))), ("destination", destination));
    }

    private static JsonObject MatchOf(RouteMatch match)
    {
        var path = match.GrpcService is null ? match.Path : match.GrpcMethod is null ? new(StringMatchKind.Prefix, $"/{match.GrpcService}/") : new StringMatch(StringMatchKind.Exact, $"/{match.GrpcService}/{match.GrpcMethod}");
        return Map(
            ("pathExact", path?.Kind == StringMatchKind.Exact ? path.Value : null),
            ("pathPrefix", path?.Kind == StringMatchKind.Prefix ? path.Value : null),
            ("pathRegex", path?.Kind == StringMatchKind.Regex ? path.Value : null),
            ("methods", Texts(match.Methods).OrNull()),
            ("header", List(match.Headers.Select(Named)).OrNull()),
            ("queryParam", List(match.Query.Select(Named)).OrNull()));
    }

    private static JsonObject Named(NamedMatch match) => match.Match.Kind switch
    {
        StringMatchKind.Present => Map(("name", match.Name), ("present", true)),
        var kind => Map(("name", match.Name), (kind.ToString().ToLower(CultureInfo.InvariantCulture), match.Match.Value)),
    };

    private static JsonObject? EditsOf(HeaderEdits? edits) =>
        edits is null ? null : Map(("add", Labels(edits.Add).OrNull()), ("set", Labels(edits.Set).OrNull()), ("remove", Texts(edits.Remove).OrNull()));

    private static JsonObject BalancerOf(LoadBalancingPolicy policy) => policy.Algorithm switch
    {
        LoadBalancingAlgorithm.RoundRobin => Map(("policy", "round_robin")),
        LoadBalancingAlgorithm.Random => Map(("policy", "random")),
        LoadBalancingAlgorithm.ConsistentHash => Map(("policy", "maglev"), ("hashPolicies", List(policy.HashSource == HashSource.Source
            ? Map(("sourceIP", true))
            : Map(("field", policy.HashSource switch { HashSource.Header => "header", HashSource.Cookie => "cookie", _ => "query_parameter" }), ("fieldValue", policy.HashName))))),
        _ => Map(("policy", "least_request")),
    };
}
