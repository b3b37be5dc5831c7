using System.Collections.Immutable;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Outbound.Routing;

/// <summary>
/// Keeps a redirect inside the mesh: an app that answers with its own address, or its https twin on the same host, would send the caller around its
/// sidecar. Such a <c>Location</c> is turned to the listener the caller used; every other one is left alone.
/// </summary>
internal static class LocationRewriter
{
    /// <returns>The new value, or null to leave it.</returns>
    public static string? Rewrite(string? location, HttpRequest request, ImmutableArray<string> appAddresses)
    {
        if (location is null || !Uri.TryCreate(location, UriKind.Absolute, out var target)) return null;
        if (target.Scheme is not ("http" or "https")) return null;
        if (!LeadsToApp(target, request, appAddresses)) return null;
        return $"{request.Scheme}://{request.Host}{target.PathAndQuery}{target.Fragment}";
    }

    private static bool LeadsToApp(Uri target, HttpRequest request, ImmutableArray<string> appAddresses)
    {
        var port = request.Host.Port ?? (request.IsHttps ? 443 : 80);
        if (target.Port == port && SameHost(target.Host, request.Host.Host)) return target.Scheme != request.Scheme;
        foreach (var address in appAddresses)
        {
            var colon = address.LastIndexOf(':');
            if (colon < 0 || !int.TryParse(address.AsSpan(colon + 1), out var appPort) || appPort != target.Port) continue;
            if (SameHost(target.Host, address[..colon])) return true;
        }

        return false;
    }

    /// <summary>On one machine, localhost, 127.0.0.1 and [::1] are one host.</summary>
    private static bool SameHost(string one, string other) => string.Equals(one, other, StringComparison.OrdinalIgnoreCase) || (IsLoopback(one) && IsLoopback(other));

    private static bool IsLoopback(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || host.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase)
        || (System.Net.IPAddress.TryParse(host.Trim('[', ']'), out var ip) && System.Net.IPAddress.IsLoopback(ip));
}
