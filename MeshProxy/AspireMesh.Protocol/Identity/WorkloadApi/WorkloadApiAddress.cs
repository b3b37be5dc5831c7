using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;

namespace AspireMesh.Protocol.Identity.WorkloadApi;

/// <summary>
/// Where a Workload API listens, as <c>SPIFFE_ENDPOINT_SOCKET</c> writes it (SPIFFE Workload Endpoint, section 4): <c>unix:///path/of/the.sock</c>, or
/// <c>tcp://IP:port</c> with an address and no name.
/// </summary>
public static class WorkloadApiAddress
{
    /// <summary>Reads an address; says which rule it breaks otherwise.</summary>
    /// <param name="text">The address.</param>
    /// <param name="endpoint">Where to connect.</param>
    /// <param name="error">Half a sentence.</param>
    public static bool TryParse(string? text, [NotNullWhen(true)] out EndPoint? endpoint, [NotNullWhen(false)] out string? error)
    {
        (endpoint, error) = (null, null);
        if (!Uri.TryCreate(text, UriKind.Absolute, out var uri)) error = $"'{text}' is no address of a Workload API";
        else if (uri.UserInfo.Length > 0 || uri.Query.Length > 0 || uri.Fragment.Length > 0) error = $"'{text}' has more than a scheme and a place";
        else if (uri.Scheme == "unix" && uri.Host.Length == 0 && uri.AbsolutePath.Length > 1) return TryPath(Uri.UnescapeDataString(uri.AbsolutePath), out endpoint, out error);
        else if (uri.Scheme == "tcp" && uri.Port > 0 && uri.AbsolutePath is "" or "/" && IPAddress.TryParse(uri.Host.Trim('[', ']'), out var ip)) endpoint = new IPEndPoint(ip, uri.Port);
        else error = $"'{text}' is neither unix:///path nor tcp://IP:port";
        if (error is null) return endpoint is not null;
        error += ". Write it as SPIFFE_ENDPOINT_SOCKET has it, for example unix:///run/spire/agent/public/api.sock";
        return false;
    }

    private static bool TryPath(string path, [NotNullWhen(true)] out EndPoint? endpoint, [NotNullWhen(false)] out string? error)
    {
        (endpoint, error) = (null, null);
        try
        {
            endpoint = new UnixDomainSocketEndPoint(path);
            return true;
        }
        catch (ArgumentException)
        {
            error = $"'{path}' is longer than the path of a Unix socket may be. Mount the socket at a shorter path";
            return false;
        }
    }
}
