using System.Net;
using System.Net.Sockets;

namespace AspireMesh.TestKit;

/// <summary>Ports that nobody listens on at the moment of asking.</summary>
public static class FreePort
{
    /// <summary>A free loopback port.</summary>
    public static int Next()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
