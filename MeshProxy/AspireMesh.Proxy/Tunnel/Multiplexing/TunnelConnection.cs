using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Concurrent;
using AspireMesh.Protocol.Identity;

namespace AspireMesh.Proxy.Tunnel.Multiplexing;

/// <summary>
/// Many byte streams over one authenticated connection (an mTLS stream between two sidecars). The dialling side opens streams, the accepting side gets each
/// through its handler. What breaks a rule ends this connection and everything on it, and nothing else. Why not a library: Nerdbank.Streams multiplexes
/// too, but offers and accepts channels by messages of its own before bytes may flow, flushes per frame and knows no orderly refusal, which is what tells a
/// retry that nothing was delivered.
/// </summary>
internal sealed class TunnelConnection : IAsyncDisposable
{
    /// <summary>Room for a whole frame and more.</summary>
    private const int ReadSize = 2 * FrameHeader.MaxPayload;

    private static readonly TimeSpan s_shortestWait = TimeSpan.FromMilliseconds(10);
    private readonly Stream _transport;
    private readonly Func<TunnelStream, Task>? _accept;
    private readonly ConcurrentDictionary<uint, TunnelStream> _streams = new();
    private readonly CancellationTokenSource _ending = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _gate = new();
    private uint _lastOpened;
    private uint _lastSeen;
    private bool _goneAway;
    private bool _peerGoneAway;
    private bool _saidStopping;
    private volatile bool _peerStops;
    private bool _closed;
    private long _lastHeard;
    private long _pinged;
    private bool _awaitsPong;
    private ITimer? _keepAlive;
    private int _running;
    private int _serving;

    /// <summary>Takes over a connection. Nothing happens on it before <see cref="RunAsync"/>.</summary>
    /// <param name="transport">An authenticated duplex stream; disposed with the connection.</param>
    /// <param name="accept">Serves an opened stream; null on the dialling side, which takes none. It disposes the stream.</param>
    /// <param name="options">Limits.</param>
    public TunnelConnection(Stream transport, Func<TunnelStream, Task>? accept, TunnelOptions options)
    {
        (_transport, _accept, Options) = (transport, accept, options);
        Writer = new FrameWriter(transport, options, error => End(new TunnelException(TunnelError.ConnectionLost, "the tunnel's connection broke while writing", error)));
        _lastHeard = options.Time.GetTimestamp();
    }

    internal TunnelOptions Options { get; }

    internal FrameWriter Writer { get; }

    /// <summary>Who the other end proved to be; null where the transport has no identity.</summary>
    public SpiffeId? Peer { get; init; }

    /// <summary>Streams open now.</summary>
    public int OpenStreams => _streams.Count;

    /// <summary>Whether new streams may be opened.</summary>
    public bool IsUsable
    {
        get
        {
            lock (_gate) return !_closed && !_goneAway && !_peerGoneAway && _lastOpened < int.MaxValue && _streams.Count < Options.MaxStreams;
        }
    }

    /// <summary>Whether either end said that no new streams may be opened.</summary>
    public bool IsGoingAway
    {
        get
        {
            lock (_gate) return _goneAway || _peerGoneAway || _closed;
        }
    }

    /// <summary>Completes when the connection is over, however it ended.</summary>
    public Task Ended => _ended.Task;

    /// <summary>Reads frames until the connection is over. Call once.</summary>
    public async Task RunAsync()
    {
        if (Interlocked.Exchange(ref _running, 1) == 1) throw new InvalidOperationException("the connection runs already");
        using var keepAlive = _keepAlive = Options.Time.CreateTimer(static state => ((TunnelConnection)state!).KeepAlive(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        if (Options.KeepAlive > TimeSpan.Zero) keepAlive.Change(Options.KeepAlive, Timeout.InfiniteTimeSpan);
        var buffer = ArrayPool<byte>.Shared.Rent(ReadSize);
        try
        {
            for (var unread = 0; ;)
            {
                var read = await _transport.ReadAsync(buffer.AsMemory(unread), _ending.Token).ConfigureAwait(false);
                if (read == 0)
                {
                    End(new TunnelException(TunnelError.ConnectionLost, unread == 0 ? "the peer closed the tunnel's connection" : "the tunnel's connection ended in the middle of a frame"));
                    break;
                }
                Volatile.Write(ref _lastHeard, Options.Time.GetTimestamp());
                unread += read;
                var done = ReadFrames(buffer.AsSpan(0, unread));
                unread -= done;
                // A frame that is not whole yet moves to the front, where there is room for its rest.
                if (done > 0 && unread > 0) buffer.AsSpan(done, unread).CopyTo(buffer);
            }
        }
        catch (TunnelException broken)
        {
            Writer.Control(FrameType.GoAway, 0, GoAwayPayload(_lastSeen, broken.Error));
            await Writer.DrainAsync().WaitAsync(TimeSpan.FromSeconds(1), Options.Time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            End(broken);
        }
        catch (Exception error) when (error is IOException or OperationCanceledException or ObjectDisposedException)
        {
            End(new TunnelException(TunnelError.ConnectionLost, "the tunnel's connection broke", error));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Opens a stream. Bytes may be written at once; who wants to know first that they will be delivered awaits <see cref="TunnelStream.Ready"/>.</summary>
    /// <exception cref="TunnelException">The connection takes no new streams: open another connection.</exception>
    public TunnelStream Open(StreamOpening opening)
    {
        Span<byte> payload = stackalloc byte[StreamOpening.MaxSize];
        var length = opening.Write(payload);
        lock (_gate)
        {
            if (!IsUsable) throw new TunnelException(TunnelError.Refused, "the tunnel's connection takes no new streams");
            var stream = new TunnelStream(this, ++_lastOpened, opening, Options.StreamWindow);
            _streams[stream.Id] = stream;
            // Under the lock, so that streams are opened on the wire in the order of their ids.
            Writer.Control(FrameType.Open, stream.Id, payload[..length]);
            return stream;
        }
    }

    /// <summary>Whether the peer said that it stops.</summary>
    internal bool PeerStops => _peerStops;

    /// <summary>Takes no new streams and tells the peer, which opens others elsewhere; those that run go on. Completes when the last has ended.</summary>
    /// <param name="cancellationToken">Ends the wait, not the drain.</param>
    /// <param name="stopping">Also tells the peer that what still runs will be cut.</param>
    public async Task DrainAsync(CancellationToken cancellationToken, bool stopping = false)
    {
        lock (_gate)
        {
            if (!_goneAway || (stopping && !_saidStopping))
            {
                (_goneAway, _saidStopping) = (true, _saidStopping || stopping);
                Writer.Control(FrameType.GoAway, 0, GoAwayPayload(_lastSeen, stopping ? TunnelError.Stopping : TunnelError.None));
            }
        }
        foreach (var stream in _streams.Values) stream.NoteGoingAway();
        CloseIfDrained();
        await Ended.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Ends the connection and every stream on it.</summary>
    public async ValueTask DisposeAsync()
    {
        End(new TunnelException(TunnelError.ConnectionLost, "the tunnel's connection was closed here"));
        await _transport.DisposeAsync().ConfigureAwait(false);
    }

    internal void OnSideClosed(TunnelStream stream)
    {
        if (!stream.IsFinished) return;
        _streams.TryRemove(stream.Id, out _);
        CloseIfDrained();
    }

    /// <summary>Handles every whole frame.</summary>
    /// <returns>How many bytes they were.</returns>
    private int ReadFrames(ReadOnlySpan<byte> bytes)
    {
        var done = 0;
        while (bytes.Length - done >= FrameHeader.Size)
        {
            var header = FrameHeader.Read(bytes[done..]);
            if (header.Violation() is { } violation) throw Broken(violation);
            if (bytes.Length - done < FrameHeader.Size + header.Length) break;
            OnFrame(header, bytes.Slice(done + FrameHeader.Size, header.Length));
            done += FrameHeader.Size + header.Length;
        }
        return done;
    }

    private void OnFrame(FrameHeader header, ReadOnlySpan<byte> payload)
    {
        if (header.Type is FrameType.Ping or FrameType.Open && Writer.IsStuck) throw Broken("it asks on and reads no answers");
        switch (header.Type)
        {
            case FrameType.Open: OnOpen(header.Stream, payload); return;
            case FrameType.Ping: Writer.Control(FrameType.Pong, 0, payload); return;
            case FrameType.Pong: return;
            case FrameType.GoAway: OnGoAway(BinaryPrimitives.ReadUInt32BigEndian(payload), (TunnelError)BinaryPrimitives.ReadUInt32BigEndian(payload[4..])); return;
        }
        if (!_streams.TryGetValue(header.Stream, out var stream))
        {
            // Frames that crossed our reset are fine; a stream that never was is not.
            if (header.Stream > (_accept is null ? _lastOpened : _lastSeen)) throw Broken($"{header.Type} of stream {header.Stream}, which was never opened");
            return;
        }
        switch (header.Type)
        {
            case FrameType.Data when !stream.OnData(payload):
                throw new TunnelException(TunnelError.FlowControl, $"stream {header.Stream} sent beyond its window or after its end");
            case FrameType.Finish when !stream.OnFinish():
                throw Broken($"a second FINISH of stream {header.Stream}");
            case FrameType.Ready when _accept is not null || !stream.OnReady():
                throw Broken($"READY of stream {header.Stream} from the wrong side or a second time");
            case FrameType.Window when !stream.OnWindow(BinaryPrimitives.ReadUInt32BigEndian(payload)):
                throw new TunnelException(TunnelError.FlowControl, $"the window of stream {header.Stream} was grown by nothing or beyond reason");
            case FrameType.Reset:
                var code = BinaryPrimitives.ReadUInt32BigEndian(payload);
                if (code > (uint)TunnelError.ConnectionLost) code = (uint)TunnelError.Internal;
                stream.Fail(new TunnelException((TunnelError)code, $"the peer reset the stream: {(TunnelError)code}"));
                break;
        }
        OnSideClosed(stream);
    }

    private void OnOpen(uint id, ReadOnlySpan<byte> payload)
    {
        if (_accept is null) throw Broken("the accepting side opened a stream");
        if (id <= _lastSeen) throw Broken($"stream {id} was opened out of order");
        var opening = StreamOpening.Read(payload) ?? throw Broken($"stream {id} was opened with a malformed header");
        _lastSeen = id;
        TunnelStream stream;
        lock (_gate)
        {
            // Streams that the peer has reset no longer count as open, but what serves them may still be connecting to the app: opening and resetting must not buy more of that.
            if (_goneAway || _closed || _streams.Count >= Options.MaxStreams || _serving >= 2 * Options.MaxStreams)
            {
                Writer.Control(FrameType.Reset, id, (uint)TunnelError.Refused);
                return;
            }
            stream = new TunnelStream(this, id, opening, Options.StreamWindow);
            _streams[id] = stream;
            _serving++;
        }
        ThreadPool.UnsafeQueueUserWorkItem(static state => _ = state.Connection.ServeAsync(state.Stream), (Connection: this, Stream: stream), preferLocal: false);
    }

    private async Task ServeAsync(TunnelStream stream)
    {
        try
        {
            await _accept!(stream).ConfigureAwait(false);
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            // Whatever the handler met belongs to this stream alone; the others on the connection go on.
            stream.Abort(TunnelError.Internal);
        }
        finally
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            lock (_gate) _serving--;
        }
    }

    private void OnGoAway(uint last, TunnelError why)
    {
        lock (_gate) _peerGoneAway = true;
        if (why == TunnelError.Stopping) _peerStops = true;
        foreach (var (id, stream) in _streams)
        {
            if (id <= last || _accept is not null) continue;
            stream.Fail(new TunnelException(TunnelError.Refused, "the peer is draining and did not look at the stream"));
            OnSideClosed(stream);
        }
        foreach (var stream in _streams.Values)
        {
            stream.NoteGoingAway();
            if (_peerStops) stream.NoteStopping();
        }
        CloseIfDrained();
    }

    private void CloseIfDrained()
    {
        lock (_gate)
        {
            if (_closed || !(_goneAway || _peerGoneAway) || !_streams.IsEmpty) return;
        }
        _ = CloseAsync();
    }

    private async Task CloseAsync()
    {
        // The last stream's frames go out before the connection does.
        await Writer.DrainAsync().ConfigureAwait(false);
        End(new TunnelException(TunnelError.None, "the tunnel's connection was drained"));
        await _transport.DisposeAsync().ConfigureAwait(false);
    }

    private void End(TunnelException why)
    {
        lock (_gate)
        {
            if (_closed) return;
            _closed = true;
        }
        Writer.Close();
        foreach (var stream in _streams.Values) stream.Fail(new TunnelException(TunnelError.ConnectionLost, why.Message, why));
        _streams.Clear();
        _ending.Cancel();
        _ended.TrySetResult();
    }

    /// <summary>Runs once per silence and once per ping: a connection is lost only when it was asked and did not answer in time.</summary>
    private void KeepAlive()
    {
        var heard = Volatile.Read(ref _lastHeard);
        if (_awaitsPong && heard >= _pinged) _awaitsPong = false;
        var silence = Options.Time.GetElapsedTime(heard);
        if (_awaitsPong && Options.Time.GetElapsedTime(_pinged) >= Options.KeepAliveTimeout)
        {
            End(new TunnelException(TunnelError.ConnectionLost, $"the peer was silent for {silence.TotalSeconds:0} s"));
            return;
        }
        if (!_awaitsPong && silence >= Options.KeepAlive)
        {
            (_awaitsPong, _pinged) = (true, Options.Time.GetTimestamp());
            Writer.Control(FrameType.Ping, 0, "keepaliv"u8);
        }
        var next = _awaitsPong ? Options.KeepAliveTimeout - Options.Time.GetElapsedTime(_pinged) : Options.KeepAlive - silence;
        // A timer may come a little early by the clock; a wait of nothing would spin.
        _keepAlive?.Change(next < s_shortestWait ? s_shortestWait : next, Timeout.InfiniteTimeSpan);
    }

    private static byte[] GoAwayPayload(uint last, TunnelError error)
    {
        var payload = new byte[8];
        BinaryPrimitives.WriteUInt32BigEndian(payload, last);
        BinaryPrimitives.WriteUInt32BigEndian(payload.AsSpan(4), (uint)error);
        return payload;
    }

    private static TunnelException Broken(string what) => new(TunnelError.Protocol, $"the peer broke the tunnel's rules: {what}");
}
