using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace AspireMesh.Proxy.Http;

/// <summary>The request target that is passed on.</summary>
internal static class ForwardedTarget
{
    private static readonly UriCreationOptions s_asIs = new() { DangerousDisablePathAndQueryCanonicalization = true };

    /// <param name="authority">Scheme and authority of the destination.</param>
    /// <param name="request">The request.</param>
    /// <param name="rewritten">A path that replaces the request's; null for none.</param>
    public static Uri For(string authority, HttpRequest request, string? rewritten)
    {
        if (rewritten is not null) return new Uri(authority + new PathString(rewritten).ToUriComponent() + request.QueryString.ToUriComponent(), s_asIs);
        var raw = request.HttpContext.Features.Get<IHttpRequestFeature>()?.RawTarget;
        if (raw is not null && CanPassAsIs(raw)) return new Uri(authority + raw, s_asIs);
        var path = request.PathBase.Add(request.Path).ToUriComponent();
        return new Uri(authority + (path.Length == 0 ? "/" : path) + request.QueryString.ToUriComponent(), s_asIs);
    }

    /// <summary>
    /// An app has to hear the very path its caller wrote, unless rules could have read it differently: dot segments, plain or encoded, are passed on as
    /// they were matched, and what is not visible ASCII is never copied into a request line.
    /// </summary>
    private static bool CanPassAsIs(string raw)
    {
        if (raw.Length == 0 || raw[0] != '/') return false;
        foreach (var c in raw)
            if (c is <= ' ' or > '~' or '#') return false;
        return !raw.Contains("/.", StringComparison.Ordinal) && !raw.Contains("%2e", StringComparison.OrdinalIgnoreCase) && !raw.Contains('\\');
    }
}
