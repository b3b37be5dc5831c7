using System.Buffers;

namespace AspireMesh.Proxy.Outbound.Retries;

/// <summary>
/// A request body that can be read again, up to a cap (linkerd2-proxy's replay body). It copies what is read while it is read, so the first attempt is not
/// delayed; when the body outgrows the cap the copy is dropped, the first attempt goes on, and only further attempts are lost.
/// One attempt reads at a time: the next begins only after <see cref="TryRewind"/>.
/// </summary>
internal sealed class ReplayBody(Stream source, int cap) : Stream
{
    private byte[]? _copy;
    private int _copied;
    private int _position;
    private bool _overflown;
    private bool _complete;

    /// <summary>Whether anything was read, hence perhaps sent.</summary>
    public bool WasRead { get; private set; }

    /// <summary>Whether everything read so far is still held.</summary>
    public bool CanReplay => !_overflown;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Starts over for another attempt; false when the body has outgrown the cap.</summary>
    public bool TryRewind()
    {
        if (_overflown) return false;
        _position = 0;
        return true;
    }

    /// <summary>The whole body, once it was read to its end within the cap; null otherwise.</summary>
    public byte[]? TryCopy() => _complete && !_overflown ? _copy.AsSpan(0, _copied).ToArray() : null;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_position < _copied)
        {
            var again = Math.Min(buffer.Length, _copied - _position);
            _copy.AsSpan(_position, again).CopyTo(buffer.Span);
            _position += again;
            return again;
        }

        var read = await source.ReadAsync(buffer, cancellationToken);
        if (read == 0 && buffer.Length > 0) _complete = true;
        if (read > 0)
        {
            WasRead = true;
            Keep(buffer.Span[..read]);
        }

        return read;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("Request bodies are read asynchronously.");

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (_copy is { } copy)
        {
            _copy = null;
            _copied = _position = 0;
            _overflown = true;
            ArrayPool<byte>.Shared.Return(copy);
        }

        base.Dispose(disposing);
    }

    private void Keep(ReadOnlySpan<byte> bytes)
    {
        if (_overflown) return;
        if (_copied + bytes.Length > cap)
        {
            _overflown = true;
            if (_copy is { } full) ArrayPool<byte>.Shared.Return(full);
            _copy = null;
            _copied = _position = 0;
            return;
        }

        if (_copy is null || _copy.Length < _copied + bytes.Length)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Min(cap, Math.Max(4096, (_copied + bytes.Length) * 2)));
            if (_copy is { } old)
            {
                old.AsSpan(0, _copied).CopyTo(larger);
                ArrayPool<byte>.Shared.Return(old);
            }

            _copy = larger;
        }

        bytes.CopyTo(_copy.AsSpan(_copied));
        _copied += bytes.Length;
        _position = _copied;
    }
}
