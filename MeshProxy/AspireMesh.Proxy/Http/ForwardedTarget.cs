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
    public static Uri For(string authority, HttpRequest request, string? rewritten) => At(authority, PathFor(request, rewritten));

    /// <summary>A target at an authority, as it is.</summary>
    public static Uri At(string authority, string target) => new(authority + target, s_asIs);

    /// <summary>The request target in origin form.</summary>
    public static string PathFor(HttpRequest request, string? rewritten)
    {
        if (rewritten is not null) return Visible(new PathString(rewritten).ToUriComponent() + request.QueryString.ToUriComponent());
        var raw = request.HttpContext.Features.Get<IHttpRequestFeature>()?.RawTarget;
        if (raw is not null && CanPassAsIs(raw)) return raw;
        var path = request.PathBase.Add(request.Path).ToUriComponent();
        return Visible((path.Length == 0 ? "/" : path) + request.QueryString.ToUriComponent());
    }

    // Nothing but visible ASCII goes into a request line; a Uri would also take dot segments away.
    private static string Visible(string target) =>
        target.AsSpan().ContainsAnyExceptInRange('!', '~') ? string.Concat(target.Select(c => c is > ' ' and <= '~' ? c.ToString() : Uri.EscapeDataString(c.ToString()))) : target;

    /// <summary>
    /// An app has to hear the very path its caller wrote, unless rules could have read it differently: dot segments, plain or encoded, are passed on as
    /// they were matched, and what is not visible ASCII is never copied into a request line.
    /// </summary>
    private static bool CanPassAsIs(string raw)
    {
        if (raw.Length == 0 || raw[0] != '/') return false;
        if (raw.AsSpan().ContainsAnyExceptInRange('!', '~') || raw.Contains('#')) return false;
        return !raw.Contains("/.", StringComparison.Ordinal) && !raw.Contains("%2e", StringComparison.OrdinalIgnoreCase) && !raw.Contains('\\');
    }
}
