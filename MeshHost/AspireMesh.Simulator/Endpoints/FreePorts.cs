using System.Net;
using System.Net.Sockets;

namespace AspireMesh.Simulator.Endpoints;

/// <summary>Picks ports nobody listens on, below the range the system gives to outgoing connections, so that none is taken between now and the process's start.</summary>
internal sealed class FreePorts(int seed, int first = 10_000, int last = 32_767)
{
    private readonly Lock _gate = new();
    private readonly Random _random = new(seed);
    private readonly HashSet<int> _taken = [];

    /// <summary>From <c>ASPIRE_PROXYLESS_ENDPOINT_PORT_RANGE="a-b"</c>, where it is set.</summary>
    public static FreePorts FromRange(int seed, string? range)
    {
        var parts = range?.Split('-') ?? [];
        return parts.Length == 2 && int.TryParse(parts[0], out var first) && int.TryParse(parts[1], out var last) && first is > 0 && last is <= 65535 && first <= last
            ? new FreePorts(seed, first, last)
            : new FreePorts(seed);
    }

    /// <summary>A port given to somebody by the application's description: it is not picked.</summary>
    public void Take(int port)
    {
        lock (_gate)
        {
            _taken.Add(port);
        }
    }

    public int Next()
    {
        lock (_gate)
        {
            for (var tries = 0; tries < 10_000; tries++)
            {
                var port = _random.Next(first, last + 1);
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
