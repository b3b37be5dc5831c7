using System.Net;
using System.Net.Sockets;

namespace AspireMesh.Hosting.Lifecycle;

/// <summary>
/// Ports for listeners. Taken below the range from which systems give out ports by themselves, so that no outgoing connection takes one between planning and listening;
/// each is handed out once in this process, and processes begin at different places. The simulator takes the apps' ports from a range below this one: what both
/// have picked and neither opened yet must not be the same.
/// </summary>
internal static class FreePorts
{
    private const int First = 22000;
    private const int Count = 10700;

    private static readonly Lock Gate = new();
    private static int _next = (int)((uint)Environment.ProcessId * 2654435761u % Count);

    /// <summary>A port that nobody listens on.</summary>
    /// <exception cref="InvalidOperationException">None is left.</exception>
    public static int Next()
    {
        lock (Gate)
        {
            for (var tried = 0; tried < Count; tried++)
            {
                var port = First + _next;
                _next = (_next + 1) % Count;
                if (IsFree(port)) return port;
            }
        }
        throw new InvalidOperationException($"No port from {First} to {First + Count - 1} is free on this machine. End programs that listen there.");
    }

    /// <summary>Whether nobody listens on a port.</summary>
    public static bool IsFree(int port)
    {
        // Bound to every address: a listener on another address of this port would get some of the connections meant for ours.
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ExclusiveAddressUse = true };
        try
        {
            socket.Bind(new IPEndPoint(IPAddress.Any, port));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
