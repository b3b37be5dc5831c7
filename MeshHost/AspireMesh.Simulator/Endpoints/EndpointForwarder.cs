using System.Net;
using System.Net.Sockets;

namespace AspireMesh.Simulator.Endpoints;

/// <summary>Owns an endpoint's public port and hands each connection to the next process behind it, as bytes.</summary>
internal sealed class EndpointForwarder : IAsyncDisposable
{
    private readonly CancellationTokenSource _closing = new();
    private readonly List<Socket> _listeners = [];
    private readonly Func<IReadOnlyList<int>> _targets;
    private uint _next;

    private EndpointForwarder(Func<IReadOnlyList<int>> targets) => _targets = targets;

    public int Port { get; private set; }

    /// <summary>Listens on <paramref name="port"/> (0 for any) of the loopback, or of every address.</summary>
    /// <exception cref="SocketException">The port is in use.</exception>
    public static EndpointForwarder Open(int port, bool everywhere, Func<IReadOnlyList<int>> targets)
    {
        var forwarder = new EndpointForwarder(targets);
        forwarder.Listen(everywhere ? IPAddress.Any : IPAddress.Loopback, port);
        forwarder.Port = ((IPEndPoint)forwarder._listeners[0].LocalEndPoint!).Port;
        try
        {
            // "localhost" is both addresses, and many clients try this one first.
            forwarder.Listen(everywhere ? IPAddress.IPv6Any : IPAddress.IPv6Loopback, forwarder.Port);
        }
        catch (SocketException)
        {
            forwarder.HasIPv6 = false;
        }

        foreach (var listener in forwarder._listeners)
        {
            _ = forwarder.AcceptAsync(listener);
        }

        return forwarder;
    }

    /// <summary>False where the machine has no IPv6 or the port is taken there.</summary>
    public bool HasIPv6 { get; private set; } = true;

    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync().ConfigureAwait(false);
        _listeners.ForEach(listener => listener.Dispose());
    }

    private void Listen(IPAddress address, int port)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (address.AddressFamily == AddressFamily.InterNetworkV6)
            {
                socket.DualMode = false;
            }

            socket.Bind(new IPEndPoint(address, port));
            socket.Listen(512);
            _listeners.Add(socket);
        }
        catch (SocketException)
        {
            socket.Dispose();
            throw;
        }
    }

    private async Task AcceptAsync(Socket listener)
    {
        while (!_closing.IsCancellationRequested)
        {
            Socket client;
            try
            {
                client = await listener.AcceptAsync(_closing.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (ObjectDisposedException)
            {
                return;
            }
            catch (SocketException)
            {
                // The client went away before it was taken.
                continue;
            }

            _ = ForwardAsync(client);
        }
    }

    private async Task ForwardAsync(Socket client)
    {
        using (client)
        {
            using var target = await ConnectAsync().ConfigureAwait(false);
            if (target is null)
            {
                // Nothing runs behind the port: the client hears it at once, by a reset.
                client.LingerState = new LingerOption(true, 0);
                return;
            }

            client.NoDelay = target.NoDelay = true;
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(_closing.Token);
            var up = SocketPump.CopyAsync(client, target, stop.Token);
            var down = SocketPump.CopyAsync(target, client, stop.Token);
            var first = await Task.WhenAny(up, down).ConfigureAwait(false);
            if (!await first.ConfigureAwait(false))
            {
                await stop.CancelAsync().ConfigureAwait(false);
            }

            await Task.WhenAll(up, down).ConfigureAwait(false);
        }
    }

    private async Task<Socket?> ConnectAsync()
    {
        var targets = _targets();
        var start = Interlocked.Increment(ref _next);
        for (var i = 0; i < targets.Count; i++)
        {
            var port = targets[(int)((start + (uint)i) % (uint)targets.Count)];
            foreach (var address in (IPAddress[])[IPAddress.Loopback, IPAddress.IPv6Loopback])
            {
                var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
                try
                {
                    await socket.ConnectAsync(new IPEndPoint(address, port), _closing.Token).ConfigureAwait(false);
                    return socket;
                }
                catch (Exception exception) when (exception is SocketException or OperationCanceledException)
                {
                    // The next address or process may answer.
                    socket.Dispose();
                }
            }
        }

        return null;
    }
}
