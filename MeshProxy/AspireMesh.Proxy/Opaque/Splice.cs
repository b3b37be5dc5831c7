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
            while (true)
            {
                // Waits without a buffer: an idle connection costs no memory, and most connections are idle most of the time.
                _ = await from.ReadAsync(Memory<byte>.Empty);
                if (!await CopyAvailableAsync(from, to, sending)) break;
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
                Volatile.Write(ref _lastMoved, _time.GetTimestamp());
                await to.WriteAsync(buffer.AsMemory(0, read));
                if (sending) _sent += read;
                else _received += read;
            }
            while (read == buffer.Length);
            return true;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
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
