using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using AspireMesh.Proxy.Tunnel.Multiplexing;

namespace AspireMesh.Proxy.Tests.Tunnel.Multiplexing;

/// <summary>Two ends of a tunnel connection over a loopback socket.</summary>
internal sealed class TunnelPair : IAsyncDisposable
{
    private readonly Task _running;

    private TunnelPair(TunnelConnection client, TunnelConnection server) => (Client, Server, _running) = (client, server, Task.WhenAll(client.RunAsync(), server.RunAsync()));

    public TunnelConnection Client { get; }

    public TunnelConnection Server { get; }

    public static async Task<TunnelPair> CreateAsync(Func<TunnelStream, Task> accept, TunnelOptions? options = null)
    {
        var (near, far) = await SocketsAsync();
        options ??= new TunnelOptions();
        return new TunnelPair(new TunnelConnection(near, null, options), new TunnelConnection(far, accept, options));
    }

    public static async Task<(NetworkStream Near, NetworkStream Far)> SocketsAsync()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        var near = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await near.ConnectAsync(listener.LocalEndPoint!);
        var far = await listener.AcceptAsync();
        far.NoDelay = true;
        return (new NetworkStream(near, ownsSocket: true), new NetworkStream(far, ownsSocket: true));
    }

    public TunnelStream Open(string endpoint = "http", ActivityContext trace = default) => Client.Open(new StreamOpening(endpoint, 1, trace));

    public async ValueTask DisposeAsync()
    {
        await Client.DisposeAsync();
        await Server.DisposeAsync();
        await _running.WaitAsync(TimeSpan.FromSeconds(30));
    }
}

internal static class StreamReading
{
    public static async Task<long> DrainAsync(this Stream stream)
    {
        var buffer = new byte[64 * 1024];
        long total = 0;
        int read;
        while ((read = await stream.ReadAsync(buffer).AsTask().WaitAsync(TimeSpan.FromSeconds(60))) > 0) total += read;
        return total;
    }

    /// <summary>Sends back what comes, closing when the other side has closed.</summary>
    public static async Task EchoAsync(TunnelStream stream)
    {
        var buffer = new byte[16 * 1024];
        int read;
        while ((read = await stream.ReadAsync(buffer)) > 0) await stream.WriteAsync(buffer.AsMemory(0, read));
        stream.CompleteWrites();
    }
}
