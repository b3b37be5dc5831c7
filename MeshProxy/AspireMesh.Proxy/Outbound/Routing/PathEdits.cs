namespace AspireMesh.Proxy.Outbound.Routing;

/// <summary>Path changes of rewrites and redirects.</summary>
internal static class PathEdits
{
    /// <param name="path">The request's path.</param>
    /// <param name="whole">Replaces it whole; null to keep.</param>
    /// <param name="prefix">Replaces the matched prefix; null to keep.</param>
    /// <param name="matched">The prefix the route matched on; null when it matched on something else, which counts as "/".</param>
    public static string Apply(string path, string? whole, string? prefix, string? matched)
    {
        if (whole is not null) return whole;
        if (prefix is null) return path;
        var rest = matched is { Length: > 0 } && path.StartsWith(matched, StringComparison.Ordinal) ? path[matched.Length..] : path;
        // "/a/" + "/b" and "/" + "" both have to give one slash exactly (the Gateway API's table of examples).
        var joined = prefix.TrimEnd('/') + (rest.StartsWith('/') || rest.Length == 0 ? rest : "/" + rest);
        return joined.Length == 0 ? "/" : joined;
    }
}
