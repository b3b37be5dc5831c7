namespace AspireMesh.Proxy.Outbound.Farewell;

/// <summary>
/// The caller's end of a WebSocket. When this sidecar or the callee's goes away, the caller's app is sent a close frame with the status 1001, "going away"
/// (RFC 6455 section 7.4.1), between two frames of the callee's app. Its answer travels on to the callee's app, which learns so in the same words; both then end in
/// order within the drain time. What the callee's app sends after our close frame is dropped, as the standard asks of whoever has sent one.
/// </summary>
internal sealed class FarewellStream : Stream
{
    // FIN and opcode 8; two bytes, unmasked; 1001.
    private static readonly byte[] GoingAway = [0x88, 0x02, 0x03, 0xe9];

    private readonly Stream _inner;
    private readonly WebSocketFrames _frames = new();
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly CancellationTokenRegistration _own;
    private readonly CancellationTokenRegistration _callees;
    private volatile bool _asked;
    private bool _said;

    public FarewellStream(Stream inner, CancellationToken own, CancellationToken callees)
    {
        _inner = inner;
        _own = own.UnsafeRegister(static s => ((FarewellStream)s!).Ask(), this);
        _callees = callees.UnsafeRegister(static s => ((FarewellStream)s!).Ask(), this);
    }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => _inner.ReadAsync(buffer, cancellationToken);

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => _inner.ReadAsync(buffer, offset, count, cancellationToken);

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            while (!buffer.IsEmpty && !_said)
            {
                var passed = _frames.Pass(buffer.Span, toNextEnd: _asked);
                await _inner.WriteAsync(buffer[..passed], cancellationToken);
                buffer = buffer[passed..];
                await SayAsync(cancellationToken);
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task FlushAsync(CancellationToken cancellationToken) => _inner.FlushAsync(cancellationToken);

    public override void Flush() => _inner.Flush();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        _own.Dispose();
        _callees.Dispose();
        if (disposing) _inner.Dispose();
        base.Dispose(disposing);
    }

    private void Ask()
    {
        _asked = true;
        _ = SayWhenFreeAsync();
    }

    // Nothing may be on its way for hours: not only the next frame of the callee's app brings the word.
    private async Task SayWhenFreeAsync()
    {
        await _turn.WaitAsync();
        try
        {
            await SayAsync(CancellationToken.None);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or OperationCanceledException or InvalidOperationException)
        {
            // It has just ended by itself.
            _said = true;
        }
        finally
        {
            _turn.Release();
        }
    }

    private async ValueTask SayAsync(CancellationToken cancellationToken)
    {
        if (!_asked || _said || !_frames.IsBetween) return;
        _said = true;
        // An app that says good-bye itself has said what there is to say.
        if (_frames.IsClosed) return;
        await _inner.WriteAsync(GoingAway, cancellationToken);
        await _inner.FlushAsync(cancellationToken);
    }
}
