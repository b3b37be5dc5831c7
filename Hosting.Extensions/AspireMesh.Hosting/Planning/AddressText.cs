using System.Globalization;
using System.Text.RegularExpressions;

namespace AspireMesh.Hosting.Planning;

/// <summary>Replaces an endpoint's or an external service's address in text, as URL or as host:port.</summary>
internal static class AddressText
{
    /// <summary>The text with the listener's address in place of the endpoint's. Other ports and hosts stay.</summary>
    public static string Replace(string text, AllocatedEndpoint endpoint, MeshListener listener)
    {
        var port = endpoint.Port.ToString(CultureInfo.InvariantCulture);
        if (!text.Contains(port, StringComparison.Ordinal)) return text;
        var hosts = endpoint.Address is "localhost" or "127.0.0.1" or "::1" ? @"localhost|127\.0\.0\.1|\[::1\]" : Regex.Escape(endpoint.Address);

        // The scheme goes with the address: https://localhost:7001 becomes http://127.0.0.1:port.
        return Regex.Replace(
            text,
            $@"(?<![\w.-])(?<scheme>[A-Za-z][A-Za-z0-9+.-]*://)?(?:{hosts}):{port}(?!\d)",
            m => Scheme(m.Groups["scheme"].Value, listener) + listener.Text(EndpointProperty.HostAndPort),
            RegexOptions.CultureInvariant | RegexOptions.IgnoreCase);
    }

    /// <summary>The text with the listener's address in place of an external service's. Hosts and ports that only begin alike stay.</summary>
    public static string Replace(string text, Uri external, MeshListener listener)
    {
        var authority = external.GetLeftPart(UriPartial.Authority);
        // A default port may be written or not.
        var port = external.IsDefaultPort ? $"(?::{external.Port.ToString(CultureInfo.InvariantCulture)})?" : "";
        return Regex.Replace(
            text,
            $@"(?<!\w){Regex.Escape(authority)}{port}(?![\w@-]|:\d|\.\w)",
            _ => listener.Text(EndpointProperty.Url),
            RegexOptions.CultureInvariant | RegexOptions.IgnoreCase);
    }

    private static string Scheme(string found, MeshListener listener) => found.ToLowerInvariant() switch
    {
        "" => "",
        "ws://" or "wss://" => "ws://",
        _ => $"{listener.Scheme}://",
    };
}
