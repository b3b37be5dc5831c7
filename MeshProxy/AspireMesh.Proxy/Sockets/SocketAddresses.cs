using System.Net;
using System.Net.Sockets;

namespace AspireMesh.Proxy.Sockets;

/// <summary>Where connections came from.</summary>
internal static class SocketAddresses
{
    /// <summary>The other end's address, an IPv4 one as such; null when it has left already.</summary>
    public static IPAddress? From(this Socket socket)
    {
        try
        {
            return socket.RemoteEndPoint is IPEndPoint { Address: var address } ? address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address : null;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return null;
        }
    }
}
