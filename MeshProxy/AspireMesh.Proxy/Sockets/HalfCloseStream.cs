using System.Net;
using AspireMesh.Protocol.Identity;

namespace AspireMesh.Proxy.Sockets;

/// <summary>
/// A two-way byte stream whose write side can end while the read side goes on. <see cref="Stream.Dispose()"/> without an end of both sides before
/// it is a reset: the other end must never take a cut stream for a complete one.
/// </summary>
internal abstract class HalfCloseStream : Stream
{
    /// <summary>The other end's proved identity; null outside the mesh and in plaintext.</summary>
    public virtual SpiffeId? Peer => null;

    /// <summary>The address of the other end; null where the transport does not tell.</summary>
    public virtual IPAddress? From => null;

    /// <summary>Cancelled when the other end broke the stream, without anyone having to read; never where the transport cannot tell.</summary>
    public virtual CancellationToken Aborted => CancellationToken.None;

    /// <summary>Cancelled when the connection under it takes no new streams: it goes on, but what is pooled on it should be opened anew elsewhere.</summary>
    public virtual CancellationToken GoingAway => CancellationToken.None;

    /// <summary>Cancelled when the other end said that it stops: what still runs will be cut when its drain time is over.</summary>
    public virtual CancellationToken Stopping => CancellationToken.None;

    /// <summary>Ends the write side: the reader at the other end sees the end after everything written before.</summary>
    public abstract ValueTask CloseWriteAsync(CancellationToken cancellationToken);

    /// <summary>Ends both sides at once; the other end sees an error, not an end. Can be called from any thread, any number of times.</summary>
    public abstract void Reset();

    /// <summary>Lets go of it after both sides have ended in order.</summary>
    public abstract void Finish();

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override void Flush() { }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override int Read(byte[] buffer, int offset, int count) => ReadAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();

    public override void Write(byte[] buffer, int offset, int count) => WriteAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public abstract override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default);

    public abstract override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default);

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing) Reset();
        base.Dispose(disposing);
    }
}
