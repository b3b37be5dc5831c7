using System.Buffers;
using System.Buffers.Binary;

namespace AspireMesh.Proxy.Tunnel.Multiplexing;

/// <summary>
/// The sending half of a connection. Frames are appended to one buffer; whoever finds nobody writing starts a write, and all that is appended while it runs
/// goes into the next one: under load many frames share one TLS record, one system call and one wake-up of the peer.
/// Fairness: when a whole batch is pending, streams wait in a queue and get one frame each in their order, so a stream with much to send cannot hold up the others.
/// </summary>
internal sealed class FrameWriter(Stream transport, TunnelOptions options, Action<Exception> failed) : IThreadPoolWorkItem
{
    // Far beyond what windows, pings and openings of all streams come to while a peer reads.
    private const int MostUnread = 1024 * 1024;

    private readonly Lock _gate = new();
    private readonly Queue<TunnelStream> _waiting = new();
    private ArrayBufferWriter<byte> _pending = new(4096);
    private ArrayBufferWriter<byte> _writing = new(4096);
    private bool _running;
    private bool _closed;
    private TaskCompletionSource? _drained;

    /// <summary>Whether so much waits to be written that the peer cannot be reading: who still asks for answers then would have this end keep them all.</summary>
    public bool IsStuck
    {
        get
        {
            lock (_gate) return _pending.WrittenCount > MostUnread;
        }
    }

    /// <summary>Appends a small frame at once: these are few, and holding them back would stall the peer.</summary>
    public void Control(FrameType type, uint stream, ReadOnlySpan<byte> payload)
    {
        lock (_gate)
        {
            if (_closed) return;
            Append(type, stream, payload);
            StartLocked();
        }
    }

    public void Control(FrameType type, uint stream, uint value)
    {
        Span<byte> payload = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(payload, value);
        Control(type, stream, payload);
    }

    /// <summary>Appends one DATA frame if there is room; otherwise the stream gets its turn by <see cref="TunnelStream.OnWriteTurn"/>.</summary>
    /// <returns>True when appended.</returns>
    public bool TryData(TunnelStream stream, ReadOnlySpan<byte> payload)
    {
        lock (_gate)
        {
            if (_closed) throw new TunnelException(TunnelError.ConnectionLost, "the tunnel's connection is closed");
            if (_pending.WrittenCount >= options.WriteBatch || (_waiting.Count > 0 && !stream.HasTurn))
            {
                // A wake-up for another reason (more window) may bring a stream here that already waits.
                if (!stream.IsQueued) _waiting.Enqueue(stream);
                (stream.IsQueued, stream.HasTurn) = (true, false);
                return false;
            }
            stream.HasTurn = false;
            Append(FrameType.Data, stream.Id, payload);
            StartLocked();
            return true;
        }
    }

    /// <summary>Completes when everything appended so far has been written, or the connection has failed.</summary>
    public Task DrainAsync()
    {
        lock (_gate)
        {
            if (_closed || (!_running && _pending.WrittenCount == 0)) return Task.CompletedTask;
            _drained ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _drained.Task;
        }
    }

    /// <summary>Nothing more is written; waiting streams are let go and see the connection's end.</summary>
    public void Close()
    {
        TunnelStream[] waiting;
        TaskCompletionSource? drained;
        lock (_gate)
        {
            if (_closed) return;
            _closed = true;
            waiting = [.. _waiting];
            _waiting.Clear();
            (drained, _drained) = (_drained, null);
        }
        foreach (var stream in waiting) stream.OnWriteTurn();
        drained?.TrySetResult();
    }

    void IThreadPoolWorkItem.Execute() => _ = RunAsync();

    private void Append(FrameType type, uint stream, ReadOnlySpan<byte> payload)
    {
        var span = _pending.GetSpan(FrameHeader.Size + payload.Length);
        new FrameHeader(payload.Length, type, stream).Write(span);
        payload.CopyTo(span[FrameHeader.Size..]);
        _pending.Advance(FrameHeader.Size + payload.Length);
    }

    private void StartLocked()
    {
        if (_running) return;
        _running = true;
        if (options.Turns is { } turns) turns.Queue(this);
        else ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    private async Task RunAsync()
    {
        try
        {
            while (NextBatch() is { Length: > 0 } batch)
            {
                await transport.WriteAsync(batch).ConfigureAwait(false);
                await transport.FlushAsync().ConfigureAwait(false);
            }
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException or InvalidOperationException)
        {
            Close();
            failed(error);
        }
    }

    private ReadOnlyMemory<byte> NextBatch()
    {
        TaskCompletionSource? drained = null;
        TunnelStream[] turns;
        ReadOnlyMemory<byte> batch = default;
        lock (_gate)
        {
            _writing.ResetWrittenCount();
            var idle = _closed || _pending.WrittenCount == 0;
            // A batch's worth of turns, each good for one frame, so the queue moves round-robin. With nothing pending everyone may come:
            // those who were given a turn before may have been aborted, and nobody else would start the next write.
            turns = TakeTurns(idle ? int.MaxValue : options.WriteBatch / FrameHeader.MaxPayload);
            if (idle)
            {
                _running = false;
                (drained, _drained) = (_drained, null);
                // A burst grew the buffers; an idle connection gives the memory back.
                if (_pending.Capacity > 64 * 1024) (_pending, _writing) = (new(4096), new(4096));
            }
            else
            {
                (_pending, _writing) = (_writing, _pending);
                batch = _writing.WrittenMemory;
            }
        }
        foreach (var stream in turns) stream.OnWriteTurn();
        drained?.TrySetResult();
        return batch;
    }

    private TunnelStream[] TakeTurns(int most)
    {
        if (_waiting.Count == 0) return [];
        var turns = new TunnelStream[Math.Min(most, _waiting.Count)];
        for (var i = 0; i < turns.Length; i++)
        {
            turns[i] = _waiting.Dequeue();
            (turns[i].IsQueued, turns[i].HasTurn) = (false, true);
        }
        return turns;
    }
}
