using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;

namespace AspireMesh.Proxy.Http;

/// <summary>
/// What must not pass a sidecar. Hop-by-hop fields and whatever <c>Connection</c> names (RFC 9110 7.6.1): left in, they are how one hop's framing is smuggled
/// into the next. Fields that assert an identity: only a sidecar that proved it may say who the caller is.
/// </summary>
internal static class HeaderHygiene
{
    /// <summary>The header in which an inbound sidecar tells its app who calls.</summary>
    public const string IdentityHeader = "x-forwarded-client-identity";

    private static readonly string[] s_identity = [IdentityHeader, "x-forwarded-client-cert", "x-client-cert", "x-ssl-client-cert", "x-arr-clientcert", "ssl-client-cert", "l5d-client-id"];
    private static readonly string[] s_hop = ["Proxy-Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Authentication-Info", "Http2-Settings"];

    /// <summary>Cleans a request in place, before anything is matched or copied.</summary>
    public static void CleanRequest(HttpContext context)
    {
        var headers = context.Request.Headers;
        RemoveNamedByConnection(headers, IsUpgrade(context));
        foreach (var name in s_hop) headers.Remove(name);
        foreach (var name in s_identity) headers.Remove(name);
        // The only TE value that may pass on is "trailers", which gRPC servers insist on (RFC 9110 10.1.4, RFC 9113 8.2.2).
        if (headers.TryGetValue("TE", out var te) && te != "trailers")
        {
            if (te.ToString().Contains("trailers", StringComparison.OrdinalIgnoreCase)) headers.TE = "trailers";
            else headers.Remove("TE");
        }
    }

    /// <summary>Whether the request asks for another protocol on this connection, or is an extended CONNECT (RFC 8441).</summary>
    public static bool IsUpgrade(HttpContext context) =>
        context.Features.Get<IHttpUpgradeFeature>()?.IsUpgradableRequest == true || context.Features.Get<IHttpExtendedConnectFeature>()?.IsExtendedConnect == true;

    private static void RemoveNamedByConnection(IHeaderDictionary headers, bool upgrade)
    {
        var connection = headers.Connection;
        if (connection.Count == 0 || Is(connection, "keep-alive") || Is(connection, "close")) return;
        foreach (var line in connection)
        {
            foreach (var range in line.AsSpan().Split(','))
            {
                var name = line.AsSpan()[range].Trim().ToString();
                // Framing and routing never depend on the caller's list: a request may not have its Host or its length taken away.
                if (name.Length == 0 || IsProtected(name) || (upgrade && name.Equals("upgrade", StringComparison.OrdinalIgnoreCase))) continue;
                headers.Remove(name);
            }
        }
    }

    private static bool Is(StringValues value, string token) => value.Count == 1 && string.Equals(value[0], token, StringComparison.OrdinalIgnoreCase);

    private static bool IsProtected(string name) =>
        name.Equals("close", StringComparison.OrdinalIgnoreCase) || name.Equals("keep-alive", StringComparison.OrdinalIgnoreCase)
        || name.Equals("host", StringComparison.OrdinalIgnoreCase) || name.Equals("content-length", StringComparison.OrdinalIgnoreCase)
        || name.Equals("transfer-encoding", StringComparison.OrdinalIgnoreCase) || name.Equals("te", StringComparison.OrdinalIgnoreCase);
}
