using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace AspireMesh.Proxy.Sockets;

/// <summary>Reads and dials <c>host:port</c>.</summary>
internal static class HostPort
{
    public static bool TryParse(string text, out string host, out int port)
    {
        (host, port) = ("", 0);
        var colon = text.LastIndexOf(':');
        if (colon <= 0 || !int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out port) || port > 65535) return false;
        host = text[..colon].Trim('[', ']');
        return host.Length > 0;
    }

    /// <summary>Where to bind; names other than <c>localhost</c> and <c>*</c> are not resolved, a listener has an address.</summary>
    public static bool TryParseListen(string text, out IPEndPoint endPoint)
    {
        endPoint = new IPEndPoint(IPAddress.Loopback, 0);
        if (!TryParse(text, out var host, out var port)) return false;
        var address = host switch
        {
            "localhost" => IPAddress.Loopback,
            "*" => IPAddress.Any,
            _ => IPAddress.TryParse(host, out var parsed) ? parsed : null,
        };
        if (address is null) return false;
        endPoint = new IPEndPoint(address, port);
        return true;
    }

    /// <summary>Connects; a name is resolved and its addresses tried in turn.</summary>
    /// <exception cref="SocketException">Nobody takes the connection, or the name is unknown.</exception>
    public static async ValueTask<Socket> ConnectAsync(string address, CancellationToken cancellationToken)
    {
        if (!TryParse(address, out var host, out var port)) throw new FormatException($"'{address}' is no host:port");
        if (IPAddress.TryParse(host, out var ip)) return await ConnectAsync(new IPEndPoint(ip, port), cancellationToken);
        SocketException? last = null;
        foreach (var candidate in await Dns.GetHostAddressesAsync(host, cancellationToken))
        {
            try
            {
                return await ConnectAsync(new IPEndPoint(candidate, port), cancellationToken);
            }
            catch (SocketException e)
            {
                last = e;
            }
        }
        throw last ?? new SocketException((int)SocketError.HostNotFound);
    }

    private static async ValueTask<Socket> ConnectAsync(IPEndPoint endPoint, CancellationToken cancellationToken)
    {
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(endPoint, cancellationToken);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
