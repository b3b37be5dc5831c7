using System.Net;
using AspireMesh.Protocol.Identity;
using AspireMesh.Proxy.Sockets;

namespace AspireMesh.Proxy.Passthrough;

/// <summary>A stream of which the beginning was read already: it comes first, once more.</summary>
internal sealed class ReplayedStream(ReadOnlyMemory<byte> beginning, HalfCloseStream rest) : HalfCloseStream
{
    private ReadOnlyMemory<byte> _beginning = beginning;

    public override SpiffeId? Peer => rest.Peer;

    public override IPAddress? From => rest.From;

    public override CancellationToken Aborted => rest.Aborted;

    public override CancellationToken GoingAway => rest.GoingAway;

    public override CancellationToken Stopping => rest.Stopping;

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_beginning.IsEmpty) return rest.ReadAsync(buffer, cancellationToken);
        var length = Math.Min(buffer.Length, _beginning.Length);
        _beginning[..length].CopyTo(buffer);
        _beginning = _beginning[length..];
        return ValueTask.FromResult(length);
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => rest.WriteAsync(buffer, cancellationToken);

    public override ValueTask CloseWriteAsync(CancellationToken cancellationToken) => rest.CloseWriteAsync(cancellationToken);

    public override void Reset() => rest.Reset();

    public override void Finish() => rest.Finish();
}
