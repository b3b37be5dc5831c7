using System.Net;
using System.Net.Sockets;

namespace AspireMesh.Proxy.Sockets;

/// <summary>A TCP connection. Half-close is the protocol's own; a reset is an RST, so that the other end sees an error.</summary>
internal sealed class SocketStream(Socket socket) : HalfCloseStream
{
    private int _ended;

    public override IPAddress? From => socket.From();

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => socket.ReceiveAsync(buffer, cancellationToken);

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (!buffer.IsEmpty) buffer = buffer[await socket.SendAsync(buffer, cancellationToken)..];
    }

    public override ValueTask CloseWriteAsync(CancellationToken cancellationToken)
    {
        try
        {
            socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            throw new IOException("the connection is gone", e);
        }
        return ValueTask.CompletedTask;
    }

    public override void Reset()
    {
        if (Interlocked.Exchange(ref _ended, 1) != 0) return;
        SocketEnd.Reset(socket);
    }

    /// <summary>Closes after both sides have ended; nothing is reset.</summary>
    public override void Finish()
    {
        if (Interlocked.Exchange(ref _ended, 1) == 0) socket.Dispose();
    }
}

/// <summary>Ways to let go of a socket.</summary>
internal static class SocketEnd
{
    /// <summary>Closes with an RST: whoever reads at the other end gets an error, never an orderly end.</summary>
    public static void Reset(Socket socket)
    {
        try
        {
            socket.LingerState = new LingerOption(true, 0);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Gone already: there is nobody left to tell.
        }
        socket.Dispose();
    }
}
