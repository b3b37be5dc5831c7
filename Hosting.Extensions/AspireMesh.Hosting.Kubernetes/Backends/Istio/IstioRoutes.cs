using System.Text.Json.Nodes;
using AspireMesh.Hosting.Kubernetes.Rendering;
using AspireMesh.Protocol.Faults;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;
using static AspireMesh.Hosting.Kubernetes.Rendering.Tree;

namespace AspireMesh.Hosting.Kubernetes.Backends.Istio;

/// <summary>One VirtualService per called workload: its callers' routes, each scoped by the caller's labels.</summary>
internal static class IstioRoutes
{
    public static void Render(RenderSession session)
    {
        foreach (var callee in session.Model.Workloads)
        {
            var http = new JsonArray();
            foreach (var edge in session.Model.Edges.Where(e => e.To == callee.Name && PolicyItems.ProtocolOf(session.Model, e) == AppProtocol.Http))
            {
                foreach (var route in edge.Policies.Routes) http.Add(RouteOf(session, edge, route));
                http.Add(RouteOf(session, edge, new RoutePolicy { Name = $"{edge.From}-{edge.Endpoint}" }));
            }
            if (http.Count == 0) continue;
            var spec = Map(("hosts", Texts([session.Placement.Workloads[callee.Name].Service])), ("http", http));
            session.Add(new(IstioRenderer.Networking, "VirtualService", callee.Name, session.Placement.Namespace, Map(("spec", spec))));
        }
    }

    /// <summary>The fault in VirtualService's words, or null where it has none.</summary>
    public static JsonObject? FaultOf(FaultRule rule)
    {
        if (PublishedFaults.IsNarrowed(rule)) return null;
        var percentage = Map(("value", rule.Activation.Percent));
        return rule.Fault.Kind switch
        {
            FaultKinds.Abort when rule.Fault.GrpcStatus >= 0 => Map(("abort", Map(("grpcStatus", GrpcName(rule.Fault.GrpcStatus)), ("percentage", percentage)))),
            FaultKinds.Abort => Map(("abort", Map(("httpStatus", rule.Fault.Status), ("percentage", percentage)))),
            FaultKinds.Delay when rule.Fault.Distribution == "fixed" => Map(("delay", Map(("fixedDelay", Duration(rule.Fault.Delay)), ("percentage", percentage)))),
            _ => null,
        };
    }

    private static JsonObject RouteOf(RenderSession session, EdgeModel edge, RoutePolicy route)
    {
        var policies = edge.Policies;
        var timeouts = route.Timeouts ?? policies.Timeouts ?? MeshDefaults.Timeouts;
        var mirror = route.Mirror ?? policies.Mirror;
        var fault = session.Model.ChaosEnabled
            ? session.Model.Faults.Where(f => (f.From is null || f.From == edge.From) && (f.To is null || f.To == edge.To) && (f.Endpoint is null || f.Endpoint == edge.Endpoint)).Select(FaultOf).FirstOrDefault(f => f is not null)
            : null;
        var redirect = route.Redirect is { } r ? RedirectOf(r) : null;
        return Map(
            ("name", route.Name),
            ("match", MatchesOf(session, edge, route)),
            ("fault", fault),
            ("redirect", redirect),
            ("rewrite", route.Rewrite is { } w ? Map(("authority", w.Host), ("uri", w.Path ?? w.PrefixPath)) : null),
            ("headers", HeadersOf(route)),
            ("corsPolicy", route.Cors is { } cors ? CorsOf(cors) : null),
            ("mirrors", mirror is null ? null : List(Map(("destination", DestinationOf(session, mirror.Workload, mirror.Endpoint, null)), ("percentage", Map(("value", mirror.Percent)))))),
            ("timeout", redirect is null && timeouts.Request > TimeSpan.Zero ? Duration(timeouts.Request) : null),
            ("retries", redirect is null ? RetriesOf(route.Retry ?? policies.Retry ?? MeshDefaults.Retry, timeouts) : null),
            ("route", redirect is null ? TargetsOf(session, edge, route) : null));
    }

    private static JsonArray MatchesOf(RenderSession session, EdgeModel edge, RoutePolicy route)
    {
        var source = Labels(session.Placement.Workloads[edge.From].PodLabels);
        var port = session.Placement.Workloads[edge.To].Ports[edge.Endpoint];
        var list = new JsonArray();
        foreach (var match in route.Matches.DefaultIfEmpty(new RouteMatch()))
        {
            var headers = new JsonObject();
            foreach (var h in match.Headers) headers[h.Name.ToLowerInvariant()] = Compare(h.Match);
            foreach (var b in match.Baggage) headers["baggage"] = Map(("regex", $"(.*,)?\\s*{b.Name}=[^,]*{(b.Match.Kind == StringMatchKind.Present ? "" : System.Text.RegularExpressions.Regex.Escape(b.Match.Value))}.*"));
            var query = new JsonObject();
            foreach (var q in match.Query) query[q.Name] = Compare(q.Match);
            var path = match.GrpcService is null
                ? match.Path is null ? null : Compare(match.Path)
                : match.GrpcMethod is null ? Map(("prefix", $"/{match.GrpcService}/")) : Map(("exact", $"/{match.GrpcService}/{match.GrpcMethod}"));
            list.Add(Map(
                ("uri", path),
                ("authority", match.Host is null ? null : Compare(match.Host)),
                ("method", match.Methods.Length == 0 ? null : match.Methods.Length == 1 ? Map(("exact", match.Methods[0])) : Map(("regex", string.Join('|', match.Methods)))),
                ("headers", headers.OrNull()),
                ("queryParams", query.OrNull()),
                ("port", port),
                ("sourceLabels", source.DeepClone())));
        }
        return list;
    }

    private static JsonArray TargetsOf(RenderSession session, EdgeModel edge, RoutePolicy route)
    {
        if (route.Split.Length == 0) return List(Map(("destination", DestinationOf(session, edge.To, edge.Endpoint, null))));
        var list = new JsonArray();
        // Istio wants weights that add up to 100 only in old versions; any sum works since 1.5 and keeps the user's numbers.
        foreach (var leg in route.Split)
        {
            list.Add(Map(("destination", DestinationOf(session, leg.Workload ?? edge.To, leg.Endpoint ?? edge.Endpoint, IstioDestinations.SubsetName(leg))), ("weight", leg.Weight)));
        }
        return list;
    }

    internal static JsonObject DestinationOf(RenderSession session, string workload, string endpoint, string? subset)
    {
        var placement = session.Placement.Workloads[workload];
        return Map(("host", placement.Service), ("subset", subset), ("port", Map(("number", placement.Ports[endpoint]))));
    }

    /// <summary>Whether an edge's own retries are written.</summary>
    public static bool Repeats(EdgeModel edge) => RetriesOf(edge.Policies.Retry ?? MeshDefaults.Retry, edge.Policies.Timeouts ?? MeshDefaults.Timeouts)?["retryOn"] is not null;

    private static JsonObject? RetriesOf(RetryPolicy retry, TimeoutPolicy timeouts)
    {
        if (retry.MaxRetries == 0) return Map(("attempts", 0));
        var on = new List<string>();
        if (retry.Conditions.HasFlag(RetryConditions.ConnectFailure)) on.Add("connect-failure");
        if (retry.Conditions.HasFlag(RetryConditions.RefusedStream)) on.Add("refused-stream");
        if (retry.NonIdempotentMethods)
        {
            if (retry.Conditions.HasFlag(RetryConditions.Reset)) on.Add("reset");
            if (retry.Conditions.HasFlag(RetryConditions.GatewayError)) on.Add("gateway-error");
            if (retry.Conditions.HasFlag(RetryConditions.ServerError)) on.Add("5xx");
            on.AddRange(retry.StatusCodes.Select(c => c.ToString(System.Globalization.CultureInfo.InvariantCulture)));
        }
        on.AddRange(retry.GrpcCodes.Select(GrpcName).Select(n => n.ToLowerInvariant().Replace('_', '-')));
        // No condition would mean Istio's own ones, and those repeat requests of any method.
        if (on.Count == 0) return Map(("attempts", 0));
        return Map(
            ("attempts", retry.MaxRetries),
            ("perTryTimeout", timeouts.PerTry > TimeSpan.Zero ? Duration(timeouts.PerTry) : null),
            ("retryOn", string.Join(',', on)),
            ("backoff", Duration(retry.BackoffBase)),
            ("retryIgnorePreviousHosts", retry.OtherDestination));
    }

    private static JsonObject RedirectOf(RedirectAction r) =>
        Map(("scheme", r.Scheme), ("authority", r.Host), ("port", r.Port), ("uri", r.Path ?? (r.PrefixPath is null ? null : $"%PREFIX()%{r.PrefixPath}")), ("redirectCode", r.Status));

    private static JsonObject? HeadersOf(RoutePolicy route)
    {
        var request = EditsOf(route.RequestHeaders);
        var response = EditsOf(route.ResponseHeaders);
        return request is null && response is null ? null : Map(("request", request), ("response", response));
    }

    private static JsonObject? EditsOf(HeaderEdits? edits) =>
        edits is null ? null : Map(("set", Labels(edits.Set).OrNull()), ("add", Labels(edits.Add).OrNull()), ("remove", Texts(edits.Remove).OrNull()));

    private static JsonObject CorsOf(CorsPolicy cors) => Map(
        ("allowOrigins", List(cors.Origins.Select(o => o == "*" ? Map(("regex", ".*")) : Map(("exact", o))))),
        ("allowMethods", Texts(cors.Methods).OrNull()),
        ("allowHeaders", Texts(cors.Headers).OrNull()),
        ("exposeHeaders", Texts(cors.ExposeHeaders).OrNull()),
        ("maxAge", Duration(cors.MaxAge)),
        ("allowCredentials", cors.Credentials));

    private static JsonObject Compare(StringMatch match) => match.Kind switch
    {
        StringMatchKind.Exact => Map(("exact", match.Value)),
        StringMatchKind.Prefix => Map(("prefix", match.Value)),
        StringMatchKind.Regex => Map(("regex", match.Value)),
        _ => Map(("regex", ".*")),
    };

    private static string GrpcName(int code) => GrpcCodes.Name(code);
}
