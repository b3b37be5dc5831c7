using System.Buffers;
using System.Net.Sockets;
using AspireMesh.Proxy.Sockets;

namespace AspireMesh.Proxy.Opaque;

/// <summary>
/// Joins two streams: each side's bytes go to the other, an end of one side becomes a half-close of the other while the opposite direction goes on,
/// and a break of either resets both.
/// </summary>
internal sealed class Splice
{
    private const int BufferSize = 32 * 1024;

    /// <summary>What a direction waits in while nothing comes: all an idle connection holds, and enough for most messages of a conversation.</summary>
    private const int WaitingSize = 2 * 1024;

    private readonly HalfCloseStream _opener;
    private readonly HalfCloseStream _target;
    private readonly TimeProvider _time;
    private long _lastMoved;
    private long _sent;
    private long _received;
    private string? _error;

    private Splice(HalfCloseStream opener, HalfCloseStream target, TimeProvider time)
    {
        (_opener, _target, _time) = (opener, target, time);
        _lastMoved = time.GetTimestamp();
    }

    /// <summary>Runs until both directions have ended. Lets go of both streams.</summary>
    /// <param name="opener">Who opened the connection.</param>
    /// <param name="target">Where it leads.</param>
    /// <param name="idle">No byte either way for this long ends it; zero for never.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cut">Ends it at once.</param>
    public static async Task<Runtime.ConnectionEnd> RunAsync(HalfCloseStream opener, HalfCloseStream target, TimeSpan idle, TimeProvider time, CancellationToken cut)
    {
        var splice = new Splice(opener, target, time);
        using var onCut = cut.UnsafeRegister(static s => ((Splice)s!).Break("the sidecar stopped"), splice);
        using var onIdle = idle > TimeSpan.Zero ? time.CreateTimer(_ => splice.CheckIdle(idle), null, idle, idle / 4) : null;
        await Task.WhenAll(splice.CopyAsync(opener, target, sending: true), splice.CopyAsync(target, opener, sending: false));
        if (splice._error is null)
        {
            opener.Finish();
            target.Finish();
        }
        return new Runtime.ConnectionEnd(splice._sent, splice._received, splice._error);
    }

    private async Task CopyAsync(HalfCloseStream from, HalfCloseStream to, bool sending)
    {
        try
        {
            var waiting = new byte[WaitingSize];
            while (true)
            {
                var read = await from.ReadAsync(waiting);
                if (read == 0) break;
                await MoveAsync(to, waiting.AsMemory(0, read), sending);
                // A full one means that more is there: a large transfer gets a large buffer for as long as it lasts.
                if (read == waiting.Length && !await CopyAvailableAsync(from, to, sending)) break;
            }
            await to.CloseWriteAsync(CancellationToken.None);
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or InvalidOperationException)
        {
            Break(e.Message);
        }
    }

    private async ValueTask<bool> CopyAvailableAsync(HalfCloseStream from, HalfCloseStream to, bool sending)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            int read;
            do
            {
                read = await from.ReadAsync(buffer);
                if (read == 0) return false;
                await MoveAsync(to, buffer.AsMemory(0, read), sending);
            }
            while (read > WaitingSize);
            return true;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async ValueTask MoveAsync(HalfCloseStream to, ReadOnlyMemory<byte> bytes, bool sending)
    {
        Volatile.Write(ref _lastMoved, _time.GetTimestamp());
        await to.WriteAsync(bytes);
        if (sending) _sent += bytes.Length;
        else _received += bytes.Length;
    }

    private void CheckIdle(TimeSpan idle)
    {
        if (_time.GetElapsedTime(Volatile.Read(ref _lastMoved)) >= idle) Break($"no byte either way for {idle.TotalSeconds:0} s");
    }

    private void Break(string error)
    {
        Interlocked.CompareExchange(ref _error, error, null);
        _opener.Reset();
        _target.Reset();
    }
}
