using System.Threading.Tasks.Sources;
using AspireMesh.Protocol.Identity;
using AspireMesh.Proxy.Sockets;

namespace AspireMesh.Proxy.Tunnel.Multiplexing;

/// <summary>
/// One byte stream in a tunnel connection: both directions close on their own (half-close), a reset ends both, and each has a window, so that a reader
/// that stalls stops only this stream and holds at most one window of memory. One reader and one writer at a time, as with any <see cref="Stream"/>.
/// </summary>
internal sealed class TunnelStream : HalfCloseStream, IValueTaskSource
{
    private readonly TunnelConnection _connection;
    private readonly ReceivedBytes _received;
    private readonly Lock _gate = new();
    private ManualResetValueTaskSourceCore<bool> _turn = new() { RunContinuationsAsynchronously = true };
    private bool _turnAwaited;
    private bool _turnGiven;
    private int _sendWindow;
    private bool _sendClosed;
    private bool _receiveClosed;
    private TunnelException? _failure;
    private TaskCompletionSource? _ready;
    private bool _isReady;
    private CancellationTokenSource? _aborted;
    private CancellationTokenSource? _goingAway;
    private CancellationTokenSource? _stopping;

    public TunnelStream(TunnelConnection connection, uint id, StreamOpening opening, int window)
    {
        (_connection, Id, Opening, _sendWindow) = (connection, id, opening, window);
        _received = new ReceivedBytes(window, connection.Options.InlineReads);
    }

    public uint Id { get; }

    /// <summary>What the stream opened with.</summary>
    public StreamOpening Opening { get; }

    /// <summary>Why it ended other than in order; null while it has not.</summary>
    public TunnelException? Failure => _failure;

    /// <summary>Whether it is this stream's turn to append a frame. Guarded by the writer's lock.</summary>
    internal bool HasTurn { get; set; }

    /// <summary>Whether it stands in the writer's queue. Guarded by the writer's lock.</summary>
    internal bool IsQueued { get; set; }

    public override SpiffeId? Peer => _connection.Peer;

    /// <summary>Completes when the accepting side has let the stream in and its app has taken it; faults with the stream's failure when it does not.</summary>
    public Task Ready
    {
        get
        {
            lock (_gate)
            {
                if (_isReady) return Task.CompletedTask;
                if (_failure is { } failure) return Task.FromException(failure);
                return (_ready ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
            }
        }
    }

    public override CancellationToken GoingAway
    {
        get
        {
            CancellationToken token;
            lock (_gate) token = (_goingAway ??= new CancellationTokenSource()).Token;
            return _connection.IsGoingAway ? new CancellationToken(canceled: true) : token;
        }
    }

    public override CancellationToken Stopping
    {
        get
        {
            CancellationToken token;
            lock (_gate) token = (_stopping ??= new CancellationTokenSource()).Token;
            return _connection.PeerStops ? new CancellationToken(canceled: true) : token;
        }
    }

    public override CancellationToken Aborted
    {
        get
        {
            lock (_gate)
            {
                if (_failure is not null) return new CancellationToken(canceled: true);
                return (_aborted ??= new CancellationTokenSource()).Token;
            }
        }
    }

    /// <summary>The connection takes no new streams from now on.</summary>
    internal void NoteGoingAway()
    {
        CancellationTokenSource? source;
        lock (_gate) source = _goingAway;
        source?.Cancel();
    }

    /// <summary>The other end stops.</summary>
    internal void NoteStopping()
    {
        CancellationTokenSource? source;
        lock (_gate) source = _stopping;
        source?.Cancel();
    }

    /// <summary>On the accepting side: tells the opener that its bytes will be delivered. Once.</summary>
    public void SetReady() => _connection.Writer.Control(FrameType.Ready, Id, []);

    public override ValueTask CloseWriteAsync(CancellationToken cancellationToken)
    {
        CompleteWrites();
        return ValueTask.CompletedTask;
    }

    public override void Reset() => Abort(TunnelError.Cancelled);

    public override void Finish() => Dispose(true);

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = _received.ReadAsync(buffer, cancellationToken);
        if (read.IsCompletedSuccessfully) Credit();
        return read;
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (!buffer.IsEmpty)
        {
            var count = TakeWindow(Math.Min(buffer.Length, FrameHeader.MaxPayload));
            if (count > 0)
            {
                // Another stream's bytes fill the batch: wait for the turn, then try the same bytes again.
                while (!_connection.Writer.TryData(this, buffer.Span[..count])) await TurnAsync(cancellationToken).ConfigureAwait(false);
                buffer = buffer[count..];
            }
            else
            {
                await TurnAsync(cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>No more bytes from this side; the peer reads an orderly end. Safe to call again.</summary>
    public void CompleteWrites()
    {
        lock (_gate)
        {
            if (_sendClosed) return;
            _sendClosed = true;
        }
        _connection.Writer.Control(FrameType.Finish, Id, []);
        _connection.OnSideClosed(this);
    }

    /// <summary>Ends both directions; the peer sees <paramref name="error"/>.</summary>
    public void Abort(TunnelError error)
    {
        if (!Fail(new TunnelException(error, $"the stream was ended here: {error}"))) return;
        _connection.Writer.Control(FrameType.Reset, Id, (uint)error);
        _connection.OnSideClosed(this);
    }

    /// <summary>Whether both directions are closed.</summary>
    internal bool IsFinished
    {
        get
        {
            lock (_gate) return _sendClosed && _receiveClosed;
        }
    }

    /// <summary>Bytes from the peer. False when they exceed the window or come after the end.</summary>
    internal bool OnData(ReadOnlySpan<byte> payload)
    {
        lock (_gate)
        {
            if (_receiveClosed) return _failure is not null;
        }
        // Not under the lock: a waiting reader may go on at once, and do with the stream what it likes.
        if (!_received.TryAppend(payload)) return false;
        Credit();
        return true;
    }

    /// <summary>The peer let the stream in. False when it said so already.</summary>
    internal bool OnReady()
    {
        TaskCompletionSource? ready;
        lock (_gate)
        {
            if (_isReady) return false;
            (_isReady, ready) = (true, _ready);
        }
        ready?.TrySetResult();
        return true;
    }

    /// <summary>The peer's orderly end. False when there was one already.</summary>
    internal bool OnFinish()
    {
        lock (_gate)
        {
            if (_receiveClosed) return _failure is not null;
            _receiveClosed = true;
        }
        _received.End(null);
        return true;
    }

    /// <summary>More window from the peer. False when it would grow past what an int holds.</summary>
    internal bool OnWindow(uint increment)
    {
        lock (_gate)
        {
            if (increment == 0 || _sendWindow + (long)increment > int.MaxValue) return false;
            _sendWindow += (int)increment;
        }
        OnWriteTurn();
        return true;
    }

    /// <summary>The stream is over, by the peer's reset or the connection's end. False when it was over before.</summary>
    internal bool Fail(TunnelException failure)
    {
        TaskCompletionSource? ready;
        CancellationTokenSource? aborted;
        lock (_gate)
        {
            if (_failure is not null || (_sendClosed && _receiveClosed)) return false;
            _failure = failure;
            (ready, aborted) = (_isReady ? null : _ready, _aborted);
            (_sendClosed, _receiveClosed) = (true, true);
        }
        _received.End(failure);
        OnWriteTurn();
        ready?.TrySetException(failure);
        // Not on this thread: it is the connection's reader, and what hangs on the token may take its time.
        if (aborted is not null) ThreadPool.UnsafeQueueUserWorkItem(static a => a.Cancel(), aborted, preferLocal: false);
        return true;
    }

    /// <summary>Wakes a writer that waits for window or turn.</summary>
    internal void OnWriteTurn()
    {
        lock (_gate)
        {
            _turnGiven = true;
            if (!_turnAwaited) return;
            _turnAwaited = false;
            _turn.SetResult(true);
        }
    }

    void IValueTaskSource.GetResult(short token) => _turn.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _turn.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) => _turn.OnCompleted(continuation, state, token, flags);

    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        bool ended;
        lock (_gate) ended = _receiveClosed;
        // Walking away from unread bytes is a cancellation the peer must see; otherwise this is only the end of our side.
        if (ended) CompleteWrites();
        else Abort(TunnelError.Cancelled);
        _received.Discard();
    }

    private void Credit()
    {
        if (_received.TakeGrant() is var grant and > 0) _connection.Writer.Control(FrameType.Window, Id, (uint)grant);
    }

    private int TakeWindow(int wanted)
    {
        lock (_gate)
        {
            if (_failure is not null) throw _failure;
            if (_sendClosed) throw new InvalidOperationException("the sending side of the stream is closed");
            var count = Math.Min(wanted, _sendWindow);
            _sendWindow -= count;
            if (count == 0) _turnGiven = false;
            return count;
        }
    }

    private ValueTask TurnAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ValueTask turn;
        lock (_gate)
        {
            if (_failure is not null) throw _failure;
            if (_turnGiven)
            {
                _turnGiven = false;
                return ValueTask.CompletedTask;
            }
            _turn.Reset();
            _turnAwaited = true;
            turn = new ValueTask(this, _turn.Version);
        }
        return cancellationToken.CanBeCanceled ? WithCancellation(turn, cancellationToken) : AfterTurn(turn);
    }

    private async ValueTask AfterTurn(ValueTask turn)
    {
        await turn.ConfigureAwait(false);
        lock (_gate) _turnGiven = false;
    }

    private async ValueTask WithCancellation(ValueTask turn, CancellationToken cancellationToken)
    {
        // A cancelled write leaves the stream in the middle of something: as with a socket, the stream is not usable afterwards.
        using (cancellationToken.UnsafeRegister(static state => ((TunnelStream)state!).Abort(TunnelError.Cancelled), this)) await AfterTurn(turn).ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
    }
}
