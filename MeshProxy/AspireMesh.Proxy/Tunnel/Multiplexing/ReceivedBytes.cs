using System.Buffers;
using System.Threading.Tasks.Sources;

namespace AspireMesh.Proxy.Tunnel.Multiplexing;

/// <summary>
/// The receiving half of a stream. Bytes go straight into the buffer of a reader that waits; what no reader waits for is kept, up to the stream's window,
/// in memory that is given back when it has been read. One reader at a time.
/// </summary>
/// <param name="window">The most bytes that may be unread.</param>
/// <param name="inline">Whether a waiting reader goes on at once, on the thread that brought the bytes, or on the thread pool.</param>
internal sealed class ReceivedBytes(int window, bool inline) : IValueTaskSource<int>
{
    private const int SmallestBuffer = 4 * 1024;

    private readonly Lock _gate = new();
    private ManualResetValueTaskSourceCore<int> _read = new() { RunContinuationsAsynchronously = !inline };
    private Memory<byte> _waiting;
    private bool _waits;
    private CancellationToken _waitToken;
    private CancellationTokenRegistration _waitRegistration;
    private byte[] _kept = [];
    private int _start;
    private int _end;
    private int _consumed;
    private bool _ended;
    private Exception? _failure;

    /// <summary>Takes bytes of the peer. False when they exceed the window.</summary>
    public bool TryAppend(ReadOnlySpan<byte> bytes)
    {
        var handed = 0;
        var wake = false;
        lock (_gate)
        {
            if (_ended) return true;
            if (_end - _start + bytes.Length > window) return false;
            if (_waits)
            {
                // A reader waits only while nothing is kept, so the order stays.
                handed = Math.Min(bytes.Length, _waiting.Length);
                bytes[..handed].CopyTo(_waiting.Span);
                _consumed += handed;
                bytes = bytes[handed..];
                wake = true;
                StopWaiting();
            }
            if (!bytes.IsEmpty) Keep(bytes);
        }
        if (wake) _read.SetResult(handed);
        return true;
    }

    /// <summary>No more bytes come: in order, or because of a failure, which the reader sees after what is unread.</summary>
    public void End(Exception? failure)
    {
        var wake = false;
        lock (_gate)
        {
            // What breaks after an orderly end that nobody has read yet is said too.
            _failure ??= failure;
            if (_ended) return;
            _ended = true;
            if (_waits)
            {
                wake = true;
                StopWaiting();
            }
        }
        if (!wake) return;
        if (failure is null) _read.SetResult(0);
        else _read.SetException(failure);
    }

    /// <summary>Reads; zero at the end. A read into nothing completes when there is something to read.</summary>
    public ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (_waits) throw new InvalidOperationException("another read of the stream is running");
            if (_start < _end) return ValueTask.FromResult(TakeKept(buffer.Span));
            // A reset must not look like an orderly end.
            if (_ended) return _failure is null ? ValueTask.FromResult(0) : ValueTask.FromException<int>(_failure);
            if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled<int>(cancellationToken);
            _read.Reset();
            (_waits, _waiting, _waitToken) = (true, buffer, cancellationToken);
        }
        var task = new ValueTask<int>(this, _read.Version);
        if (cancellationToken.CanBeCanceled) CancelWith(cancellationToken);
        return task;
    }

    /// <summary>Bytes read since the last call, once they are half a window: what the peer may send more.</summary>
    public int TakeGrant()
    {
        lock (_gate)
        {
            if (_ended || _consumed < window / 2) return 0;
            var grant = _consumed;
            _consumed = 0;
            return grant;
        }
    }

    /// <summary>Nobody reads any more.</summary>
    public void Discard()
    {
        lock (_gate) GiveBack();
    }

    int IValueTaskSource<int>.GetResult(short token) => _read.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<int>.GetStatus(short token) => _read.GetStatus(token);

    void IValueTaskSource<int>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) => _read.OnCompleted(continuation, state, token, flags);

    private void CancelWith(CancellationToken token)
    {
        var registration = token.UnsafeRegister(static (state, cancelled) => ((ReceivedBytes)state!).Cancel(cancelled), this);
        lock (_gate)
        {
            if (_waits && _waitToken == token)
            {
                _waitRegistration = registration;
                return;
            }
        }
        // Bytes were faster.
        registration.Unregister();
    }

    private void Cancel(CancellationToken token)
    {
        lock (_gate)
        {
            if (!_waits || _waitToken != token) return;
            StopWaiting();
        }
        _read.SetException(new OperationCanceledException(token));
    }

    private void StopWaiting()
    {
        (_waits, _waiting, _waitToken) = (false, default, default);
        // Without waiting for a callback that runs just now: it would wait for this lock.
        _waitRegistration.Unregister();
        _waitRegistration = default;
    }

    private int TakeKept(Span<byte> buffer)
    {
        var count = Math.Min(buffer.Length, _end - _start);
        _kept.AsSpan(_start, count).CopyTo(buffer);
        _start += count;
        _consumed += count;
        if (_start == _end) GiveBack();
        return count;
    }

    private void Keep(ReadOnlySpan<byte> bytes)
    {
        var unread = _end - _start;
        if (_end + bytes.Length > _kept.Length)
        {
            // Twice what is needed, so that moving bytes to the front stays rare.
            var larger = unread + bytes.Length > _kept.Length / 2 ? ArrayPool<byte>.Shared.Rent(Math.Max(SmallestBuffer, (unread + bytes.Length) * 2)) : _kept;
            _kept.AsSpan(_start, unread).CopyTo(larger);
            if (!ReferenceEquals(larger, _kept) && _kept.Length > 0) ArrayPool<byte>.Shared.Return(_kept);
            (_kept, _start, _end) = (larger, 0, unread);
        }
        bytes.CopyTo(_kept.AsSpan(_end));
        _end += bytes.Length;
    }

    private void GiveBack()
    {
        if (_kept.Length > 0) ArrayPool<byte>.Shared.Return(_kept);
        (_kept, _start, _end) = ([], 0, 0);
    }
}
