using System.Globalization;
using AspireMesh.Protocol.Policies;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Outbound.Routing;

/// <summary>Cross-origin rules answered by the sidecar (Fetch standard, "CORS protocol"): preflights never reach the app, other responses get the headers.</summary>
internal static class Cors
{
    /// <summary>Whether this is a preflight, which the sidecar answers by itself.</summary>
    public static bool IsPreflight(HttpRequest request) =>
        HttpMethods.IsOptions(request.Method) && request.Headers.Origin.Count > 0 && request.Headers.AccessControlRequestMethod.Count > 0;

    /// <summary>The method by which a route with cross-origin rules is found: of a preflight, the one it asks for. An OPTIONS would not match a route for that method.</summary>
    public static string MethodOf(HttpRequest request) => IsPreflight(request) ? request.Headers.AccessControlRequestMethod.ToString() : request.Method;

    public static void AnswerPreflight(CorsPolicy policy, HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        if (!Decorate(policy, context)) return;
        var method = context.Request.Headers.AccessControlRequestMethod.ToString();
        if (policy.Methods.IsEmpty || policy.Methods.Contains(method)) context.Response.Headers.AccessControlAllowMethods = policy.Methods.IsEmpty ? method : string.Join(", ", policy.Methods);
        if (!policy.Headers.IsEmpty) context.Response.Headers.AccessControlAllowHeaders = string.Join(", ", policy.Headers);
        context.Response.Headers.AccessControlMaxAge = ((long)policy.MaxAge.TotalSeconds).ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>Sets the headers a page's response needs; false when the origin is not allowed, and then none are set.</summary>
    public static bool Decorate(CorsPolicy policy, HttpContext context)
    {
        var origin = context.Request.Headers.Origin.ToString();
        if (origin.Length == 0) return false;
        var any = policy.Origins.Contains("*") && !policy.Credentials;
        var response = context.Response.Headers;
        if (!any)
        {
            // The answer depends on who asks, so caches must keep them apart.
            response.Append("Vary", "Origin");
            // Browsers write scheme and host in lower case; people need not.
            if (!policy.Origins.Contains(origin, StringComparer.OrdinalIgnoreCase)) return false;
        }

        response.AccessControlAllowOrigin = any ? "*" : origin;
        if (policy.Credentials) response.AccessControlAllowCredentials = "true";
        if (!policy.ExposeHeaders.IsEmpty) response.AccessControlExposeHeaders = string.Join(", ", policy.ExposeHeaders);
        return true;
    }
}
