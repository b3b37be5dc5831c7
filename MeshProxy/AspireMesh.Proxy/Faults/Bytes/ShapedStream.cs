using System.Buffers;
using System.Runtime.CompilerServices;

namespace AspireMesh.Proxy.Faults.Bytes;

/// <summary>A stream whose reads are what the faults of its direction make of the inner stream's bytes. Writes pass untouched.</summary>
internal sealed class ShapedStream : Stream
{
    private const int PieceSize = 16 * 1024;

    private readonly Stream _inner;
    private readonly FiredFaults _faults;
    private readonly CancellationTokenSource _over = new();
    private readonly IAsyncEnumerator<ReadOnlyMemory<byte>> _pieces;
    private ReadOnlyMemory<byte> _rest;
    private bool _ended;

    public ShapedStream(Stream inner, ByteFlow flow, FiredFaults faults)
    {
        (_inner, _faults) = (inner, faults);
        _pieces = faults.Apply(ReadPieces(_over.Token), flow, _over.Token).GetAsyncEnumerator(_over.Token);
    }

    public override bool CanRead => true;

    public override bool CanWrite => _inner.CanWrite;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_ended) return 0;
        // A zero-byte read only asks to be told that something is there.
        if (buffer.IsEmpty && !_rest.IsEmpty) return 0;
        try
        {
            // A read that is given up is the end of the stream: what was read for it would be lost.
            using var given = cancellationToken.UnsafeRegister(static s => ((ShapedStream)s!).EndNow(), this);
            while (_rest.IsEmpty)
            {
                if (!await _pieces.MoveNextAsync())
                {
                    _ended = true;
                    return 0;
                }

                _rest = _pieces.Current;
            }
        }
        catch (FaultBreakException)
        {
            _faults.NoteBreak();
            throw;
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new IOException("the stream was ended while a fault held it", e);
        }

        var count = Math.Min(buffer.Length, _rest.Length);
        _rest[..count].CopyTo(buffer);
        _rest = _rest[count..];
        return count;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => ReadAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => _inner.WriteAsync(buffer, cancellationToken);

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => _inner.WriteAsync(buffer, offset, count, cancellationToken);

    public override void Write(byte[] buffer, int offset, int count) => _inner.Write(buffer, offset, count);

    public override void Flush() => _inner.Flush();

    public override Task FlushAsync(CancellationToken cancellationToken) => _inner.FlushAsync(cancellationToken);

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    /// <summary>Ends waits and reads under way.</summary>
    public void EndNow() => _over.Cancel();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            EndNow();
            _inner.Dispose();
        }

        base.Dispose(disposing);
    }

    private async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadPieces([EnumeratorCancellation] CancellationToken cancellation)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(PieceSize);
        try
        {
            int read;
            while ((read = await _inner.ReadAsync(buffer, cancellation)) > 0) yield return buffer.AsMemory(0, read);
        }
        finally
        {
            // Kept by nobody: whoever holds bytes back copies them.
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
