using System.Net;
using System.Net.Sockets;
using AspireMesh.Proxy.Runtime;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Proxy.Sockets;

/// <summary>
/// The sidecar's open ports. A new snapshot opens and closes what differs and leaves the rest alone; connections already taken live on. A port in
/// use is said once and tried again until it is free or no longer wanted.
/// </summary>
internal sealed partial class ListenerSet(Action<Socket, ListenerTarget> take, SidecarState state, TimeProvider time, ILogger logger) : IAsyncDisposable
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly Dictionary<string, Listener> _listeners = new(StringComparer.Ordinal);
    private Dictionary<IPEndPoint, Socket> _inherited = [];
    private CancellationTokenSource _retries = new();
    private bool _closed;

    /// <summary>The open ports.</summary>
    public IReadOnlyList<Socket> Ports
    {
        get
        {
            lock (_listeners) return [.. _listeners.Values.Select(l => l.Acceptor.Socket)];
        }
    }

    /// <summary>Ports that are open already, in another process too: they are gone on with where they are wanted.</summary>
    public void Inherit(Dictionary<IPEndPoint, Socket> ports) => _inherited = ports;

    /// <summary>Closes inherited ports that were not wanted.</summary>
    public void DropInherited()
    {
        foreach (var port in _inherited.Values) port.Dispose();
        _inherited = [];
    }

    /// <summary>Makes the open ports be exactly these.</summary>
    public async Task ApplyAsync(IReadOnlyList<(IPEndPoint EndPoint, ListenerTarget Target)> wanted)
    {
        await _gate.WaitAsync();
        try
        {
            if (_closed) return;
            await _retries.CancelAsync();
            _retries.Dispose();
            _retries = new CancellationTokenSource();
            foreach (var key in _listeners.Keys.Except(wanted.Select(w => Key(w.EndPoint, w.Target))).ToArray())
            {
                Listener? gone;
                lock (_listeners) _listeners.Remove(key, out gone);
                state.ClearListenerProblem(gone!.Target.Name);
                await gone.DisposeAsync();
            }
            foreach (var (endPoint, target) in wanted)
            {
                if (_listeners.TryGetValue(Key(endPoint, target), out var open)) open.Target = target;
                else if (!TryOpen(endPoint, target)) _ = RetryAsync(endPoint, target, _retries.Token);
            }
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Closes every port; connections already taken live on.</summary>
    public async Task CloseAsync()
    {
        await _gate.WaitAsync();
        try
        {
            _closed = true;
            await _retries.CancelAsync();
            foreach (var listener in _listeners.Values) await listener.DisposeAsync();
            lock (_listeners) _listeners.Clear();
        }
        finally
        {
            _gate.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        _retries.Dispose();
        _gate.Dispose();
    }

    // Any number of listeners may ask for "some free port", so that address alone does not tell them apart.
    private static string Key(IPEndPoint endPoint, ListenerTarget target) => endPoint.Port == 0 ? $"{endPoint} {target.Side} {target.Name}" : endPoint.ToString();

    private bool TryOpen(IPEndPoint endPoint, ListenerTarget target)
    {
        try
        {
            var listener = new Listener { Target = target };
            void Take(Socket socket) => take(socket, listener.Target);
            listener.Acceptor = _inherited.Remove(endPoint, out var open) ? Acceptor.Adopt(open, Take) : Acceptor.Open(endPoint, Take);
            lock (_listeners) _listeners[Key(endPoint, target)] = listener;
            state.ClearListenerProblem(target.Name);
            state.SetBound(target.Side, listener.Acceptor.EndPoint.ToString());
            return true;
        }
        catch (SocketException e)
        {
            var problem = e.SocketErrorCode == SocketError.AddressAlreadyInUse
                ? $"{endPoint} is in use; '{target.Name}' opens when it is free"
                : $"{endPoint} cannot be opened for '{target.Name}' ({e.SocketErrorCode}); it is tried again";
            if (!state.ListenerProblems.ContainsKey(target.Name)) CannotOpen(problem);
            state.SetListenerProblem(target.Name, problem);
            return false;
        }
    }

    private async Task RetryAsync(IPEndPoint endPoint, ListenerTarget target, CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                await Task.Delay(RetryAfter, time, cancellationToken);
                await _gate.WaitAsync(cancellationToken);
                try
                {
                    if (cancellationToken.IsCancellationRequested || TryOpen(endPoint, target)) return;
                }
                finally
                {
                    _gate.Release();
                }
            }
        }
        catch (OperationCanceledException)
        {
            // A newer snapshot took over, or the sidecar stopped.
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "{Problem}")]
    private partial void CannotOpen(string problem);

    private sealed class Listener : IAsyncDisposable
    {
        private volatile ListenerTarget _target = new(MeshSide.Outbound, "");

        public ListenerTarget Target { get => _target; set => _target = value; }

        public Acceptor Acceptor { get; set; } = null!;

        public ValueTask DisposeAsync() => Acceptor.DisposeAsync();
    }
}
