using System.Text.Json.Nodes;
using AspireMesh.Hosting.Kubernetes.Rendering;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;
using static AspireMesh.Hosting.Kubernetes.Rendering.Tree;

namespace AspireMesh.Hosting.Kubernetes.Backends.GatewayApi;

/// <summary>
/// HTTPRoutes with a Service as parent (GAMMA), shared by every back end that reads Gateway API. A route of this kind has no match on the caller,
/// so edges to one endpoint that differ by caller are merged: the first caller's routes stand, and the verdict says so.
/// </summary>
internal static class GatewayRoutes
{
    public const string Api = "gateway.networking.k8s.io/v1";

    /// <summary>Renders them.</summary>
    /// <param name="session">The rendering.</param>
    /// <param name="options">What is taken.</param>
    /// <param name="annotations">The annotations of an edge's route; null for none.</param>
    /// <param name="asGrpc">Which edges are written as GRPCRoute; none when null.</param>
    public static void Render(RenderSession session, GatewayRouteOptions options, Func<EdgeModel, JsonObject?>? annotations = null, Func<EdgeModel, bool>? asGrpc = null)
    {
        foreach (var group in HttpEdges(session))
        {
            var edge = group.First();
            var placement = session.Placement.Workloads[edge.To];
            var grpc = asGrpc?.Invoke(edge) == true;
            var rules = new JsonArray();
            foreach (var route in edge.Policies.Routes.Where(r => RouteShape.Sayable(r) is not null)) rules.Add(RuleOf(session, edge, route, options));
            rules.Add(grpc ? Map(("backendRefs", List(Backend(session, edge.To, edge.Endpoint, null)))) : RuleOf(session, edge, new RoutePolicy { Name = "default" }, options));
            var parent = Map(("group", ""), ("kind", "Service"), ("name", placement.Service), ("port", placement.Ports[edge.Endpoint]));
            session.Add(new(Api, grpc ? "GRPCRoute" : "HTTPRoute", $"{edge.To}-{edge.Endpoint}", session.Placement.Namespace,
                Map(("spec", Map(("parentRefs", List(parent)), ("rules", rules)))), annotations: annotations?.Invoke(edge)));
        }
        if (options.Tls) GatewayTls.Render(session);
    }

    /// <summary>Whether another caller's routes stand for this edge's.</summary>
    public static bool IsShared(RenderSession session, PolicyItem item) =>
        item.Edge is { } edge && HttpEdges(session).Any(g => g.Contains(edge) && g.First() != edge && g.First().Policies != edge.Policies);

    /// <summary>Verdicts on what routes carry; false for everything else.</summary>
    public static bool TryVerdict(RenderSession session, PolicyItem item, GatewayRouteOptions options)
    {
        var shared = IsShared(session, item);
        void Taken(string where)
        {
            if (shared) session.Approximated(item, $"{where}; HTTPRoute cannot tell callers apart, so the routes of another caller of this endpoint stand");
            else session.Rendered(item, where);
        }
        switch (item.Kind)
        {
            case PolicyKind.RequestTimeout: Taken("HTTPRoute timeouts.request (GEP-1742)"); return true;
            case PolicyKind.PerTryTimeout: Taken("HTTPRoute timeouts.backendRequest"); return true;
            case PolicyKind.Route when item.Route!.Matches.Any(m => !RouteShape.IsSayable(m)):
                session.Missing(item, "HTTPRoute under a Service has no match on host or baggage; a rule without them would take every request, so it is left out");
                return true;
            case PolicyKind.Route when RouteShape.IsPickedEarlier(item.Edge!, item.Route!):
                session.Approximated(item, "HTTPRoute matches; the most specific rule is picked, not the first, and this one goes before an earlier one of the edge");
                return true;
            case PolicyKind.Route: Taken("HTTPRoute matches"); return true;
            case PolicyKind.TrafficSplit or PolicyKind.LegHeaderEdits or PolicyKind.HeaderEdits or PolicyKind.Redirect or PolicyKind.Rewrite or PolicyKind.Cors when RouteShape.Sayable(item.Route!) is null:
                session.Missing(item, "its route is left out");
                return true;
            case PolicyKind.TrafficSplit when item.Route!.Split.Any(l => l.Subset.Count > 0):
                session.Missing(item, "HTTPRoute splits between Services; a subset by label needs a Service of its own (split between workloads instead)");
                return true;
            case PolicyKind.TrafficSplit: Taken("HTTPRoute backendRefs weights"); return true;
            case PolicyKind.LegHeaderEdits: Taken("HTTPRoute backendRefs[].filters"); return true;
            case PolicyKind.HeaderEdits: Taken("HTTPRoute header modifier filters"); return true;
            case PolicyKind.Redirect when !Redirects(item.Route!, options): session.Missing(item, "this mesh does not take paths in redirects; the requests go where the edge leads"); return true;
            case PolicyKind.Redirect: Taken("HTTPRoute RequestRedirect"); return true;
            case PolicyKind.Rewrite when !options.Paths: session.Missing(item, "this mesh does not take URLRewrite"); return true;
            case PolicyKind.Rewrite: Taken("HTTPRoute URLRewrite"); return true;
            case PolicyKind.Mirror when options.Mirror: Taken("HTTPRoute RequestMirror (GEP-3171)"); return true;
            case PolicyKind.Mirror: session.Missing(item, "this mesh does not mirror"); return true;
            case PolicyKind.Cors when options.Cors: Taken("HTTPRoute CORS filter (GEP-1767)"); return true;
            case PolicyKind.Cors: session.Missing(item, "this mesh does not take the CORS filter"); return true;
            case PolicyKind.TlsRoute when options.Tls: GatewayTls.Verdict(session, item); return true;
            default: return false;
        }
    }

    /// <summary>Where traffic from outside comes in: a Gateway and a route to the workload behind it.</summary>
    public static void RenderGateways(RenderSession session, string className)
    {
        foreach (var gateway in session.Model.Gateways)
        {
            var tls = gateway.CertificatePem is not null;
            var listener = Map(
                ("name", tls ? "https" : "http"),
                ("port", tls ? 443 : 80),
                ("protocol", tls ? "HTTPS" : "HTTP"),
                ("tls", tls ? Map(("certificateRefs", List(Map(("name", $"{gateway.Name}-tls"))))) : null));
            session.Add(new(Api, "Gateway", gateway.Name, session.Placement.Namespace,
                Map(("spec", Map(("gatewayClassName", className), ("listeners", List(listener)))))));
            // A host is a route's in Gateway API, not a rule's: there is one route per host, and one for the rest.
            var hosts = gateway.Routes.Where(r => r.Match.Baggage.Length == 0 && r.Match.Host is null or { Kind: StringMatchKind.Exact }).GroupBy(r => r.Match.Host?.Value ?? "").OrderBy(g => g.Key, StringComparer.Ordinal).ToArray();
            foreach (var (host, routes) in hosts.Select(g => (g.Key, g.ToArray())).Concat(hosts.Any(g => g.Key.Length == 0) ? [] : [("", Array.Empty<GatewayRoute>())]))
            {
                var rules = List(routes.Select(r => Map(("matches", List(RouteShape.OneMethodEach(r.Match).Select(MatchOf))), ("backendRefs", List(Backend(session, r.Workload, r.Endpoint, null))))));
                if (host.Length == 0) rules.Add(Map(("backendRefs", List(Backend(session, gateway.Workload, gateway.Endpoint, null)))));
                var name = host.Length == 0 ? $"{gateway.Name}-gateway" : $"{gateway.Name}-gateway-{host.Replace('*', 'x')}";
                session.Add(new(Api, "HTTPRoute", name, session.Placement.Namespace,
                    Map(("spec", Map(("parentRefs", List(Map(("name", gateway.Name)))), ("hostnames", host.Length == 0 ? null : Texts([host])), ("rules", rules))))));
            }
        }
    }

    /// <summary>The verdict on a gateway.</summary>
    public static void GatewayVerdict(RenderSession session, PolicyItem item)
    {
        var gateway = item.Gateway!;
        var tls = gateway.CertificatePem is not null ? $"; its certificate is the Secret {gateway.Name}-tls" : "";
        var lost = gateway.Jwt is not null || gateway.RateLimits.Length > 0 ? "; tokens and limits of the gateway are not in Gateway API" : "";
        var routes = gateway.Routes.Any(r => r.Match.Baggage.Length > 0 || r.Match.Host is { Kind: not StringMatchKind.Exact }) ? "; routes by baggage or by part of a host are left out" : "";
        if ((tls + lost + routes).Length > 0) session.Approximated(item, $"Gateway and HTTPRoute{tls}{lost}{routes}");
        else session.Rendered(item, "Gateway and HTTPRoute");
    }

    /// <summary>Whether a route's redirect is written.</summary>
    private static bool Redirects(RoutePolicy route, GatewayRouteOptions options) => route.Redirect is { } redirect && (options.Paths || redirect is { Path: null, PrefixPath: null });

    private static IEnumerable<IGrouping<(string To, string Endpoint), EdgeModel>> HttpEdges(RenderSession session) =>
        session.Model.Edges
            .Where(e => session.Placement.Workloads.ContainsKey(e.To) && PolicyItems.ProtocolOf(session.Model, e) == AppProtocol.Http)
            .OrderByDescending(e => e.Policies.Routes.Length)
            .GroupBy(e => (e.To, e.Endpoint));

    private static JsonObject RuleOf(RenderSession session, EdgeModel edge, RoutePolicy route, GatewayRouteOptions options)
    {
        var policies = edge.Policies;
        var timeouts = route.Timeouts ?? policies.Timeouts ?? MeshDefaults.Timeouts;
        var filters = FiltersOf(session, edge, route, options);
        return Map(
            ("name", route.Name),
            ("matches", List(RouteShape.Sayable(route)!.Value.Select(MatchOf)).OrNull()),
            ("filters", filters.OrNull()),
            ("backendRefs", Redirects(route, options) ? null : BackendsOf(session, edge, route)),
            ("timeouts", options.Timeouts && !Redirects(route, options) ? TimeoutsOf(timeouts) : null));
    }

    private static JsonObject? TimeoutsOf(TimeoutPolicy timeouts)
    {
        var attempt = timeouts.Request > TimeSpan.Zero && timeouts.Request < timeouts.PerTry ? timeouts.Request : timeouts.PerTry;
        return Map(("request", timeouts.Request > TimeSpan.Zero ? Duration(timeouts.Request) : null), ("backendRequest", attempt > TimeSpan.Zero ? Duration(attempt) : null)).OrNull();
    }

    private static JsonObject MatchOf(RouteMatch match)
    {
        var path = match.GrpcService is null
            ? match.Path is null or { Kind: StringMatchKind.Present } ? null : Map(("type", TypeOf(match.Path, path: true)), ("value", match.Path.Value))
            : match.GrpcMethod is null
                ? Map(("type", "PathPrefix"), ("value", $"/{match.GrpcService}"))
                : Map(("type", "Exact"), ("value", $"/{match.GrpcService}/{match.GrpcMethod}"));
        return Map(
            ("path", path),
            ("method", match.Methods.Length == 1 ? match.Methods[0] : null),
            ("headers", List(match.Headers.Select(Named)).OrNull()),
            ("queryParams", List(match.Query.Select(Named)).OrNull()));
    }

    private static JsonObject Named(NamedMatch match)
    {
        var (type, value) = match.Match.Kind switch
        {
            StringMatchKind.Exact => ("Exact", match.Match.Value),
            StringMatchKind.Prefix => ("RegularExpression", System.Text.RegularExpressions.Regex.Escape(match.Match.Value) + ".*"),
            StringMatchKind.Regex => ("RegularExpression", match.Match.Value),
            _ => ("RegularExpression", ".*"),
        };
        return Map(("type", type), ("name", match.Name), ("value", value));
    }

    private static string TypeOf(StringMatch match, bool path) =>
        match.Kind switch { StringMatchKind.Exact => "Exact", StringMatchKind.Prefix when path => "PathPrefix", _ => "RegularExpression" };

    private static JsonArray BackendsOf(RenderSession session, EdgeModel edge, RoutePolicy route)
    {
        var legs = route.Split.Where(l => l.Subset.Count == 0).ToList();
        if (legs.Count == 0) return List(Backend(session, edge.To, edge.Endpoint, null));
        return List(legs.Select(l =>
        {
            var backend = Backend(session, l.Workload ?? edge.To, l.Endpoint ?? edge.Endpoint, l.Weight);
            if (l.RequestHeaders is { } edits) backend["filters"] = List(Map(("type", "RequestHeaderModifier"), ("requestHeaderModifier", EditsOf(edits))));
            return backend;
        }));
    }

    /// <summary>A destination of a rule.</summary>
    internal static JsonObject Backend(RenderSession session, string workload, string endpoint, int? weight)
    {
        var placement = session.Placement.Workloads[workload];
        return Map(("name", placement.Service), ("port", placement.Ports[endpoint]), ("weight", weight));
    }

    private static JsonArray FiltersOf(RenderSession session, EdgeModel edge, RoutePolicy route, GatewayRouteOptions options)
    {
        var filters = new JsonArray();
        if (route.RequestHeaders is { } request) filters.Add(Map(("type", "RequestHeaderModifier"), ("requestHeaderModifier", EditsOf(request))));
        if (route.ResponseHeaders is { } response) filters.Add(Map(("type", "ResponseHeaderModifier"), ("responseHeaderModifier", EditsOf(response))));
        if (Redirects(route, options) && route.Redirect is { } redirect)
        {
            filters.Add(Map(("type", "RequestRedirect"), ("requestRedirect", Map(
                ("scheme", redirect.Scheme), ("hostname", redirect.Host), ("port", redirect.Port), ("path", PathOf(redirect.Path, redirect.PrefixPath)), ("statusCode", redirect.Status)))));
        }
        if (options.Cors && route.Cors is { } cors) filters.Add(Map(("type", "CORS"), ("cors", CorsOf(cors))));
        if (options.Paths && route.Rewrite is { } rewrite)
        {
            filters.Add(Map(("type", "URLRewrite"), ("urlRewrite", Map(("hostname", rewrite.Host), ("path", PathOf(rewrite.Path, rewrite.PrefixPath))))));
        }
        if (options.Mirror && route.Redirect is null && (route.Mirror ?? edge.Policies.Mirror) is { } mirror)
        {
            filters.Add(Map(("type", "RequestMirror"), ("requestMirror", Map(("backendRef", Backend(session, mirror.Workload, mirror.Endpoint, null)), ("percent", (int)Math.Round(mirror.Percent))))));
        }
        return filters;
    }

    private static JsonObject CorsOf(CorsPolicy cors) => Map(
        ("allowOrigins", Texts(cors.Origins)), ("allowMethods", Texts(cors.Methods).OrNull()), ("allowHeaders", Texts(cors.Headers).OrNull()), ("exposeHeaders", Texts(cors.ExposeHeaders).OrNull()),
        ("maxAge", cors.MaxAge.TotalSeconds >= 1 ? (int)cors.MaxAge.TotalSeconds : null), ("allowCredentials", cors.Credentials));

    private static JsonObject? PathOf(string? full, string? prefix) =>
        full is not null ? Map(("type", "ReplaceFullPath"), ("replaceFullPath", full)) : prefix is not null ? Map(("type", "ReplacePrefixMatch"), ("replacePrefixMatch", prefix)) : null;

    private static JsonObject EditsOf(HeaderEdits edits)
    {
        static JsonArray? Pairs(IEnumerable<KeyValuePair<string, string>> values) => List(values.OrderBy(v => v.Key, StringComparer.Ordinal).Select(v => Map(("name", v.Key), ("value", v.Value)))).OrNull();
        return Map(("set", Pairs(edits.Set)), ("add", Pairs(edits.Add)), ("remove", Texts(edits.Remove).OrNull()));
    }
}
