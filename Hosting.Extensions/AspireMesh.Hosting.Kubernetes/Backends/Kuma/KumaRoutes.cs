using System.Text.Json.Nodes;
using AspireMesh.Hosting.Kubernetes.Rendering;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;
using static AspireMesh.Hosting.Kubernetes.Rendering.Tree;

namespace AspireMesh.Hosting.Kubernetes.Backends.Kuma;

/// <summary>Rules of a MeshHTTPRoute.</summary>
internal static class KumaRoutes
{
    public static JsonObject RuleOf(RenderSession session, EdgeModel edge, RoutePolicy route)
    {
        var matches = List(RouteShape.Sayable(route)!.Value.DefaultIfEmpty(new RouteMatch { Path = new(StringMatchKind.Prefix, "/") }).Select(MatchOf));
        var legs = route.Split.Where(l => l.Subset.Count == 0).ToList();
        var backends = legs.Count == 0 ? null : List(legs.Select(l =>
        {
            var backend = KumaEdges.BackendRef(session, l.Workload ?? edge.To, l.Endpoint ?? edge.Endpoint);
            backend["weight"] = l.Weight;
            return backend;
        }));
        return Map(("matches", matches), ("default", Map(("filters", FiltersOf(session, edge, route).OrNull()), ("backendRefs", backends))));
    }

    private static JsonObject MatchOf(RouteMatch match)
    {
        var path = match.GrpcService is not null
            ? Map(("type", match.GrpcMethod is null ? "PathPrefix" : "Exact"), ("value", match.GrpcMethod is null ? $"/{match.GrpcService}" : $"/{match.GrpcService}/{match.GrpcMethod}"))
            : match.Path is { Kind: not StringMatchKind.Present } p ? Map(("type", TypeOf(p, "PathPrefix")), ("value", p.Value)) : null;
        return Map(
            ("path", path),
            ("method", match.Methods.Length == 1 ? match.Methods[0] : null),
            ("headers", List(match.Headers.Select(h => Map(("type", TypeOf(h.Match, "Prefix")), ("name", h.Name.ToLowerInvariant()), ("value", h.Match.Kind == StringMatchKind.Present ? null : h.Match.Value)))).OrNull()),
            ("queryParams", List(match.Query.Select(q => Map(("type", q.Match.Kind == StringMatchKind.Exact ? "Exact" : "RegularExpression"), ("name", q.Name), ("value", q.Match.Kind == StringMatchKind.Present ? ".*" : q.Match.Value)))).OrNull()));
    }

    private static string TypeOf(StringMatch match, string prefix) =>
        match.Kind switch { StringMatchKind.Exact => "Exact", StringMatchKind.Prefix => prefix, StringMatchKind.Present => "Present", _ => "RegularExpression" };

    private static JsonArray FiltersOf(RenderSession session, EdgeModel edge, RoutePolicy route)
    {
        var filters = new JsonArray();
        if (route.RequestHeaders is { } request) filters.Add(Map(("type", "RequestHeaderModifier"), ("requestHeaderModifier", EditsOf(request))));
        if (route.ResponseHeaders is { } response) filters.Add(Map(("type", "ResponseHeaderModifier"), ("responseHeaderModifier", EditsOf(response))));
        if (route.Redirect is { } r)
        {
            filters.Add(Map(("type", "RequestRedirect"), ("requestRedirect", Map(("scheme", r.Scheme), ("hostname", r.Host), ("port", r.Port), ("path", PathOf(r.Path, r.PrefixPath)), ("statusCode", r.Status)))));
        }
        if (route.Rewrite is { } w) filters.Add(Map(("type", "URLRewrite"), ("urlRewrite", Map(("hostname", w.Host), ("path", PathOf(w.Path, w.PrefixPath))))));
        if (route.Redirect is null && (route.Mirror ?? edge.Policies.Mirror) is { } mirror)
        {
            filters.Add(Map(("type", "RequestMirror"), ("requestMirror", Map(("percentage", KumaEdges.Percent(mirror.Percent)), ("backendRef", KumaEdges.BackendRef(session, mirror.Workload, mirror.Endpoint))))));
        }
        return filters;
    }

    private static JsonObject? PathOf(string? full, string? prefix) =>
        full is not null ? Map(("type", "ReplaceFullPath"), ("replaceFullPath", full)) : prefix is not null ? Map(("type", "ReplacePrefixMatch"), ("replacePrefixMatch", prefix)) : null;

    private static JsonObject EditsOf(HeaderEdits edits)
    {
        static JsonArray? Pairs(IEnumerable<KeyValuePair<string, string>> values) => List(values.OrderBy(v => v.Key, StringComparer.Ordinal).Select(v => Map(("name", v.Key.ToLowerInvariant()), ("value", v.Value)))).OrNull();
        return Map(("set", Pairs(edits.Set)), ("add", Pairs(edits.Add)), ("remove", Texts(edits.Remove).OrNull()));
    }
}
