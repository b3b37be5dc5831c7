using System.Net;
using System.Net.Sockets;

namespace AspireMesh.Proxy.Sockets;

/// <summary>One open port: accepts until disposed and gives every socket to its taker.</summary>
internal sealed class Acceptor : IAsyncDisposable
{
    private const int Backlog = 1024;

    private readonly Socket _socket;
    private readonly Action<Socket> _take;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;

    private Acceptor(Socket socket, Action<Socket> take)
    {
        (_socket, _take) = (socket, take);
        EndPoint = (IPEndPoint)socket.LocalEndPoint!;
        _loop = AcceptAsync();
    }

    /// <summary>Where it is bound; the port is the real one where 0 was asked for.</summary>
    public IPEndPoint EndPoint { get; }

    /// <summary>Opens the port.</summary>
    /// <exception cref="SocketException">It is in use, or may not be opened.</exception>
    public static Acceptor Open(IPEndPoint endPoint, Action<Socket> take)
    {
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(endPoint);
            socket.Listen(Backlog);
            return new Acceptor(socket, take);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Goes on with a port that another process opened.</summary>
    public static Acceptor Adopt(Socket socket, Action<Socket> take) => new(socket, take);

    /// <summary>The open port, to be passed on.</summary>
    public Socket Socket => _socket;

    private async Task AcceptAsync()
    {
        await Task.Yield();
        while (!_stop.IsCancellationRequested)
        {
            Socket accepted;
            try
            {
                accepted = await _socket.AcceptAsync(_stop.Token);
            }
            catch (Exception e) when (_stop.IsCancellationRequested && e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }
            catch (SocketException)
            {
                // The peer reset before it was accepted, or the process is out of descriptors: the port itself is fine.
                continue;
            }
            accepted.NoDelay = true;
            _take(accepted);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        // In this order: closing a socket in use disconnects it, and another process may have it too by now.
        await _loop;
        _socket.Dispose();
        _stop.Dispose();
    }
}
