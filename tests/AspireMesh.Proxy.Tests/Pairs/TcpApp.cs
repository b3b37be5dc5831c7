using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace AspireMesh.Proxy.Tests.Pairs;

/// <summary>An app that serves raw connections, and counts them and the bytes it could have read.</summary>
internal sealed class TcpApp : IAsyncDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly ConcurrentBag<Task> _serving = [];
    private readonly Task _loop;
    private int _connections;

    private TcpApp(Func<NetworkStream, Task> serve)
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen();
        _loop = AcceptAsync(serve);
    }

    public string Address => _listener.LocalEndPoint!.ToString()!;

    /// <summary>Connections that reached it.</summary>
    public int Connections => Volatile.Read(ref _connections);

    public static TcpApp Start(Func<NetworkStream, Task> serve) => new(serve);

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        await _loop;
    }

    private async Task AcceptAsync(Func<NetworkStream, Task> serve)
    {
        while (true)
        {
            Socket accepted;
            try
            {
                accepted = await _listener.AcceptAsync();
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return;
            }
            Interlocked.Increment(ref _connections);
            _serving.Add(ServeAsync(accepted, serve));
        }
    }

    private static async Task ServeAsync(Socket socket, Func<NetworkStream, Task> serve)
    {
        await using var stream = new NetworkStream(socket, ownsSocket: true);
        try
        {
            await serve(stream);
        }
        catch (IOException)
        {
            // The sidecar broke it: what that means is for the test to say.
        }
    }
}
