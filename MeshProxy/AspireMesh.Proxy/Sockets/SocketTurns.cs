using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace AspireMesh.Proxy.Sockets;

/// <summary>
/// Runs work on the thread that waits for sockets, after it has dealt with the sockets that it found ready in this turn. That is where writes that several of them made
/// belong: they share one system call, as on the thread pool, but without waking another thread, which costs more than the write.
/// <para>
/// The runtime has no hook at the end of a turn. A socket that is connected to itself has the effect of one: what is sent to it is found ready in the next turn at the
/// earliest. Linux only, and of use only where the runtime goes on inline on that thread (DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS).
/// </para>
/// </summary>
internal sealed class SocketTurns : IDisposable
{
    private static readonly ReadOnlyMemory<byte> s_ring = new byte[1];

    private readonly ConcurrentQueue<IThreadPoolWorkItem> _waiting = new();
    private readonly Socket _bell;
    private int _rung;
    private volatile bool _closed;

    private SocketTurns(Socket bell) => _bell = bell;

    /// <summary>Null where the system has no such sockets.</summary>
    public static SocketTurns? TryStart()
    {
        if (!OperatingSystem.IsLinux()) return null;
        var bell = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        try
        {
            // A name that nobody guesses before it is bound; once connected to itself it takes from nobody else (unix(7)).
            var name = new UnixDomainSocketEndPoint($"\0aspiremesh-{RandomNumberGenerator.GetHexString(32)}");
            bell.Bind(name);
            bell.Connect(name);
        }
        catch (SocketException)
        {
            bell.Dispose();
            return null;
        }
        var turns = new SocketTurns(bell);
        using (ExecutionContext.SuppressFlow()) _ = turns.ListenAsync();
        return turns;
    }

    /// <summary>Runs it at the end of the turn. It must not block.</summary>
    public void Queue(IThreadPoolWorkItem item)
    {
        _waiting.Enqueue(item);
        if (_closed) Leave();
        else if (Interlocked.Exchange(ref _rung, 1) == 0) Ring();
    }

    public void Dispose()
    {
        _closed = true;
        _bell.Dispose();
    }

    private void Ring()
    {
        try
        {
            _bell.Send(s_ring.Span);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            Leave();
        }
    }

    private async Task ListenAsync()
    {
        var buffer = new byte[1];
        try
        {
            while (true)
            {
                await _bell.ReceiveAsync(buffer).ConfigureAwait(false);
                // First, so that what comes from now on rings again.
                Interlocked.Exchange(ref _rung, 0);
                for (var most = _waiting.Count; most > 0 && _waiting.TryDequeue(out var item); most--) item.Execute();
                if (!_waiting.IsEmpty && Interlocked.Exchange(ref _rung, 1) == 0) Ring();
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            _closed = true;
            Leave();
        }
    }

    /// <summary>What would have been run here goes to the thread pool.</summary>
    private void Leave()
    {
        while (_waiting.TryDequeue(out var item)) ThreadPool.UnsafeQueueUserWorkItem(item, preferLocal: false);
    }
}
