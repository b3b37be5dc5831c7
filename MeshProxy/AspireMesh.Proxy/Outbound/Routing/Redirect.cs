using System.Globalization;
using AspireMesh.Protocol.Policies;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Outbound.Routing;

/// <summary>Answers with a redirect (Gateway API HTTPRequestRedirectFilter): parts that are not set keep the request's own; well-known ports are left out.</summary>
internal static class Redirect
{
    public static string Location(RedirectAction action, HttpRequest request, string? matchedPrefix)
    {
        var scheme = action.Scheme ?? request.Scheme;
        var host = action.Host ?? request.Host.Host;
        // A changed scheme without a port means that scheme's own port; otherwise the listener's port stays (Gateway API, "port").
        var port = action.Port ?? (action.Scheme is null ? request.Host.Port : null);
        var authority = port is null || port == WellKnown(scheme) ? host : host + ":" + port.Value.ToString(CultureInfo.InvariantCulture);
        var path = PathEdits.Apply(request.Path.ToUriComponent(), action.Path, action.PrefixPath, matchedPrefix);
        return $"{scheme}://{authority}{path}{request.QueryString}";
    }

    private static int WellKnown(string scheme) => scheme == "https" ? 443 : 80;
}
