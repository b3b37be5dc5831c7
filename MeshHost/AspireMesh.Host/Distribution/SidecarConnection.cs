using System.Threading.Channels;
using AspireMesh.Protocol.Control;

namespace AspireMesh.Host.Distribution;

/// <summary>
/// The way down to one connected sidecar. Snapshots are "latest wins": a sidecar that reads slowly is sent the newest when it is ready, never a backlog.
/// </summary>
internal sealed class SidecarConnection
{
    private readonly Lock _gate = new();
    private readonly Channel<bool> _signal = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });
    private readonly Queue<ControlMessage> _messages = new();
    private CompiledSnapshot? _snapshot;
    private bool _renew;

    /// <summary>Replaces what is waiting to be sent.</summary>
    public void Send(CompiledSnapshot snapshot)
    {
        lock (_gate) _snapshot = snapshot;
        _signal.Writer.TryWrite(true);
    }

    /// <summary>Asks for a new SVID; asked twice before it is sent, it is sent once.</summary>
    public void SendRenewNow()
    {
        lock (_gate) _renew = true;
        _signal.Writer.TryWrite(true);
    }

    /// <summary>Turns tapping on or off.</summary>
    public void Send(TapChange tap)
    {
        lock (_gate) _messages.Enqueue(new ControlMessage { Tap = tap });
        _signal.Writer.TryWrite(true);
    }

    /// <summary>Ends the stream: another connection took over, or the control plane stops.</summary>
    public void Close() => _signal.Writer.TryComplete();

    /// <summary>Sends until closed or cancelled.</summary>
    public async Task RunAsync(Func<ControlMessage, Task> write, CancellationToken cancellationToken)
    {
        while (await _signal.Reader.WaitToReadAsync(cancellationToken))
        {
            _signal.Reader.TryRead(out _);
            while (Next() is { } message) await write(message);
        }
    }

    private ControlMessage? Next()
    {
        lock (_gate)
        {
            if (_snapshot is { } snapshot)
            {
                _snapshot = null;
                return new ControlMessage { Snapshot = snapshot.Update };
            }
            if (_renew)
            {
                _renew = false;
                return new ControlMessage { RenewNow = new RenewNow() };
            }
            return _messages.TryDequeue(out var message) ? message : null;
        }
    }
}
