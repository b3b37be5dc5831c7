using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
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
            foreach (var edge in HttpEdges(session).Where(e => e.To == callee.Name))
            {
                foreach (var route in edge.Policies.Routes.SelectMany(r => RoutesOf(session, edge, r))) http.Add(route);
                foreach (var route in RoutesOf(session, edge, new RoutePolicy { Name = $"{edge.From}-{edge.Endpoint}" })) http.Add(route);
            }
            var tls = IstioTls.RoutesTo(session, callee.Name);
            if (http.Count + tls.Routes.Count == 0) continue;
            var hosts = Texts(tls.Names.Prepend(session.Placement.Workloads[callee.Name].Service));
            var spec = Map(("hosts", hosts), ("http", http.OrNull()), ("tls", tls.Routes.OrNull()));
            session.Add(new(IstioRenderer.Networking, "VirtualService", callee.Name, session.Placement.Namespace, Map(("spec", spec))));
        }
    }

    private static IEnumerable<EdgeModel> HttpEdges(RenderSession session) =>
        session.Model.Edges.Where(e => session.Placement.Workloads.ContainsKey(e.To) && PolicyItems.ProtocolOf(session.Model, e) == AppProtocol.Http);

    /// <summary>Whether a fault stands in some VirtualService: a route holds one delay and one abort, and there are routes of HTTP edges only.</summary>
    public static bool IsWritten(RenderSession session, FaultRule rule) => HttpEdges(session).Any(e => FaultsOf(session, e).Contains(rule));

    /// <summary>The faults of an edge that its routes hold: the first delay and the first abort.</summary>
    private static IEnumerable<FaultRule> FaultsOf(RenderSession session, EdgeModel edge) => session.Model.ChaosEnabled
        ? session.Model.Faults
            .Where(f => (f.From is null || f.From == edge.From) && (f.To is null || f.To == edge.To) && (f.Endpoint is null || f.Endpoint == edge.Endpoint) && FaultOf(f) is not null)
            .DistinctBy(f => f.Fault.Kind)
        : [];

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

    private static IEnumerable<JsonObject> RoutesOf(RenderSession session, EdgeModel edge, RoutePolicy route)
    {
        if (route.Redirect is { } redirect)
        {
            // Beside a redirect Istio takes no fault and no route. A prefix is put in the place of the characters that matched, so each way to match is a rule of its own.
            var byPrefix = redirect.PrefixPath is not null;
            foreach (var match in route.Matches.DefaultIfEmpty(new RouteMatch()).SelectMany(m => MatchesOf(session, edge, m)))
            {
                yield return Map(
                    ("name", route.Name), ("match", List(match)), ("redirect", RedirectOf(redirect, byPrefix ? match["uri"]?["prefix"]?.GetValue<string>() : null)),
                    ("headers", HeadersOf(route)), ("corsPolicy", route.Cors is { } c ? CorsOf(c) : null));
            }
            yield break;
        }
        var policies = edge.Policies;
        var timeouts = route.Timeouts ?? policies.Timeouts ?? MeshDefaults.Timeouts;
        var mirror = route.Mirror ?? policies.Mirror;
        var fault = new JsonObject();
        foreach (var (kind, what) in FaultsOf(session, edge).SelectMany(f => FaultOf(f)!)) fault[kind] = what!.DeepClone();
        yield return Map(
            ("name", route.Name),
            ("match", List(route.Matches.DefaultIfEmpty(new RouteMatch()).SelectMany(m => MatchesOf(session, edge, m)))),
            ("fault", fault.OrNull()),
            ("rewrite", RewriteOf(route)),
            ("headers", HeadersOf(route)),
            ("corsPolicy", route.Cors is { } cors ? CorsOf(cors) : null),
            ("mirrors", mirror is null ? null : List(Map(("destination", DestinationOf(session, mirror.Workload, mirror.Endpoint, null)), ("percentage", Map(("value", mirror.Percent)))))),
            ("timeout", timeouts.Request > TimeSpan.Zero ? Duration(timeouts.Request) : null),
            ("retries", RetriesOf(route.Retry ?? policies.Retry ?? MeshDefaults.Retry, timeouts)),
            ("route", TargetsOf(session, edge, route)));
    }

    private static IEnumerable<JsonObject> MatchesOf(RenderSession session, EdgeModel edge, RouteMatch match)
    {
        foreach (var said in MatchesOf(match))
        {
            said["port"] = session.Placement.Workloads[edge.To].Ports[edge.Endpoint];
            said["sourceLabels"] = Labels(session.Placement.Workloads[edge.From].PodLabels);
            yield return said;
        }
    }

    /// <summary>A match, whoever calls: two where a prefix means whole segments, since Istio's is of characters.</summary>
    internal static IEnumerable<JsonObject> MatchesOf(RouteMatch match)
    {
        var headers = new JsonObject();
        foreach (var h in match.Headers) headers[h.Name.ToLowerInvariant()] = Compare(h.Match);
        foreach (var b in match.Baggage) headers["baggage"] = Map(("regex", $"(.*,)?\\s*{b.Name}=[^,]*{(b.Match.Kind == StringMatchKind.Present ? "" : Regex.Escape(b.Match.Value))}.*"));
        var query = new JsonObject();
        foreach (var q in match.Query) query[q.Name] = Compare(q.Match);
        JsonObject Said(JsonObject? path) => Map(
            ("uri", path),
            ("authority", match.Host is null ? null : Compare(match.Host)),
            ("method", match.Methods.Length == 0 ? null : match.Methods.Length == 1 ? Map(("exact", match.Methods[0])) : Map(("regex", string.Join('|', match.Methods)))),
            ("headers", headers.DeepClone().AsObject().OrNull()),
            ("queryParams", query.DeepClone().AsObject().OrNull()));

        if (match.GrpcService is not null) return [Said(match.GrpcMethod is null ? Map(("prefix", $"/{match.GrpcService}/")) : Map(("exact", $"/{match.GrpcService}/{match.GrpcMethod}")))];
        return RouteShape.Segments(match.Path) is { } prefix
            ? [Said(Map(("exact", prefix.Itself))), Said(Map(("prefix", prefix.Below)))]
            : [Said(match.Path is null or { Kind: StringMatchKind.Present } ? null : Compare(match.Path))];
    }

    // Envoy would put a new prefix in the place of the characters that matched ("/v2" -> "/" makes "//x" of "/v2/x"), so the path is written by expression.
    private static JsonObject? RewriteOf(RoutePolicy route)
    {
        if (route.Rewrite is not { } rewrite) return null;
        var path = rewrite.Path is { } whole ? Map(("match", "^/.*$"), ("rewrite", whole)) : rewrite.PrefixPath is { } prefix ? PrefixOf(route, prefix.TrimEnd('/')) : null;
        return Map(("authority", rewrite.Host), ("uriRegexRewrite", path));
    }

    private static JsonObject PrefixOf(RoutePolicy route, string prefix)
    {
        var matched = route.Matches.Select(m => RouteShape.Segments(m.Path)?.Itself).OfType<string>().Distinct().Select(Regex.Escape).ToArray();
        var before = matched.Length == 0 ? "" : $"(?:{string.Join('|', matched)})";
        return prefix.Length > 0 ? Map(("match", $"^{before}(/.*)?$"), ("rewrite", prefix + "\\1")) : Map(("match", $"^{before}/?(.*)$"), ("rewrite", "/\\1"));
    }

    private static JsonArray TargetsOf(RenderSession session, EdgeModel edge, RoutePolicy route)
    {
        if (route.Split.Length == 0) return List(Map(("destination", DestinationOf(session, edge.To, edge.Endpoint, null))));
        var list = new JsonArray();
        // Istio wants weights that add up to 100 only in old versions; any sum works since 1.5 and keeps the user's numbers.
        foreach (var leg in route.Split)
        {
            var edits = EditsOf(leg.RequestHeaders);
            list.Add(Map(
                ("destination", DestinationOf(session, leg.Workload ?? edge.To, leg.Endpoint ?? edge.Endpoint, IstioDestinations.SubsetName(leg))),
                ("weight", leg.Weight),
                ("headers", edits is null ? null : Map(("request", edits)))));
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

    private static JsonObject RedirectOf(RedirectAction r, string? below) =>
        Map(("scheme", r.Scheme), ("authority", r.Host), ("port", r.Port), ("uri", r.Path ?? (r.PrefixPath is null ? null : below is null ? r.PrefixPath : $"%PREFIX()%{r.PrefixPath.TrimEnd('/')}/")), ("redirectCode", r.Status));

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
