using System.Net;
using System.Net.Sockets;

namespace AspireMesh.TestKit;

/// <summary>
/// Ports that nobody listens on at the moment of asking. They lie below the range from which systems take ports for outgoing connections and for port 0,
/// so nobody gets one by accident before its listener opens; a process never gives one out twice, and each process begins somewhere else.
/// </summary>
public static class FreePort
{
    private const int First = 12_000;
    private const int Count = 20_000;
    private static int s_next = (int)((uint)Environment.ProcessId * 7919 % Count);

    /// <summary>A free loopback port.</summary>
    public static int Next()
    {
        for (var tried = 0; tried < Count; tried++)
        {
            var port = First + (int)((uint)Interlocked.Increment(ref s_next) % Count);
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
                return port;
            }
            catch (SocketException)
            {
                // Somebody has it: the next one.
                continue;
            }
        }

        throw new InvalidOperationException($"no port between {First} and {First + Count - 1} is free");
    }
}
