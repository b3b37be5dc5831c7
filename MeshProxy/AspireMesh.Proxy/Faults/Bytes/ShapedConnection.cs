using System.Net;
using AspireMesh.Protocol.Identity;
using AspireMesh.Proxy.Sockets;

namespace AspireMesh.Proxy.Faults.Bytes;

/// <summary>An opaque connection whose reads go through faults.</summary>
internal sealed class ShapedConnection(HalfCloseStream inner, ShapedStream reads) : HalfCloseStream
{
    public override IPAddress? From => inner.From;

    public override SpiffeId? Peer => inner.Peer;

    public override CancellationToken Aborted => inner.Aborted;

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => reads.ReadAsync(buffer, cancellationToken);

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => inner.WriteAsync(buffer, cancellationToken);

    public override ValueTask CloseWriteAsync(CancellationToken cancellationToken) => inner.CloseWriteAsync(cancellationToken);

    public override void Reset()
    {
        inner.Reset();
        reads.EndNow();
    }

    public override void Finish()
    {
        inner.Finish();
        reads.EndNow();
    }
}
