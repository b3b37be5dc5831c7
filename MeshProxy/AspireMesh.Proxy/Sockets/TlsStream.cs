using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using AspireMesh.Protocol.Identity;

namespace AspireMesh.Proxy.Sockets;

/// <summary>TLS over a TCP connection; the write side ends with close_notify (RFC 8446 section 6.1), after which reading goes on.</summary>
internal sealed class TlsStream(SslStream tls, Socket socket, SpiffeId? peer) : HalfCloseStream
{
    private int _ended;

    public override IPAddress? From => socket.From();

    public override SpiffeId? Peer => peer;

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => tls.ReadAsync(buffer, cancellationToken);

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => tls.WriteAsync(buffer, cancellationToken);

    public override async ValueTask CloseWriteAsync(CancellationToken cancellationToken)
    {
        try
        {
            await tls.ShutdownAsync();
            socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or InvalidOperationException)
        {
            throw new IOException("the connection is gone", e);
        }
    }

    public override void Reset()
    {
        if (Interlocked.Exchange(ref _ended, 1) != 0) return;
        SocketEnd.Reset(socket);
        tls.Dispose();
    }

    public override void Finish()
    {
        if (Interlocked.Exchange(ref _ended, 1) != 0) return;
        tls.Dispose();
        socket.Dispose();
    }
}
