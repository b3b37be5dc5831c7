using System.Net;
using System.Net.Sockets;

namespace AspireMesh.Simulator.Endpoints;

/// <summary>
/// Picks ports nobody listens on, below the range the system gives to outgoing connections, so that none is taken between now and the process's start.
/// They are taken in order, each once in this process, and processes begin at different places: of ports picked at random many meet those that another
/// application has picked and not opened yet. The mesh takes its own from a range above this one.
/// </summary>
internal sealed class FreePorts(int first = 10_000, int last = 21_999)
{
    private static readonly Lock s_gate = new();
    private static uint s_next = (uint)Environment.ProcessId * 2654435761u;

    private readonly HashSet<int> _taken = [];

    /// <summary>From <c>ASPIRE_PROXYLESS_ENDPOINT_PORT_RANGE="a-b"</c>, where it is set.</summary>
    public static FreePorts FromRange(string? range)
    {
        var parts = range?.Split('-') ?? [];
        return parts.Length == 2 && int.TryParse(parts[0], out var first) && int.TryParse(parts[1], out var last) && first is > 0 && last is <= 65535 && first <= last
            ? new FreePorts(first, last)
            : new FreePorts();
    }

    /// <summary>A port given to somebody by the application's description: it is not picked.</summary>
    public void Take(int port)
    {
        lock (s_gate)
        {
            _taken.Add(port);
        }
    }

    public int Next()
    {
        lock (s_gate)
        {
            for (var tries = first; tries <= last; tries++)
            {
                var port = first + (int)(s_next++ % (uint)(last - first + 1));
                if (_taken.Add(port) && IsFree(port))
                {
                    return port;
                }
            }
        }

        throw new InvalidOperationException($"No free port was found between {first} and {last}. Set ASPIRE_PROXYLESS_ENDPOINT_PORT_RANGE to another range.");
    }

    private static bool IsFree(int port)
    {
        try
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(IPAddress.Any, port));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
