using System.Globalization;
using System.Net.Sockets;

namespace AspireMesh.Proxy.Outbound.Forwarding.Http1;

/// <summary>
/// Sends a request's body while its answer is already awaited. What has come from the caller goes out before more is waited for: both may be streams that
/// answer each other. What is there at once shares one write, the head included.
/// </summary>
/// <param name="connection">Where it goes; holds the head for its next write.</param>
/// <param name="body">What the caller sends.</param>
/// <param name="chunked">It goes on in chunks.</param>
/// <param name="moved">Called when bytes moved.</param>
internal sealed class RequestBodyPump(Http1Connection connection, Stream body, bool chunked, Action moved)
{
    /// <summary>Fits one frame of the tunnel, chunk framing included.</summary>
    private const int Most = 16 * 1024 - 64;

    /// <summary>A chunk's size, at most four digits, and CRLF.</summary>
    private const int SizeLine = 6;

    private readonly CancellationTokenSource _stop = new();
    private Task _running = Task.CompletedTask;
    private volatile bool _sent;
    private volatile bool _callerFailed;

    /// <summary>Whether all of it was sent.</summary>
    public bool IsSent => _sent;

    /// <summary>Why not; null while nothing failed.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>Whether it was the caller's side that failed.</summary>
    public bool CallerFailed => _callerFailed;

    public void Begin() => _running = RunAsync();

    /// <summary>Asks for an end without waiting.</summary>
    public void Stop() => _stop.Cancel();

    /// <summary>Ends what is left and waits for it: nobody may read the caller's request when that is over.</summary>
    public async ValueTask EndAsync()
    {
        if (_running.IsCompleted) return;
        Stop();
        connection.Break();
        await _running;
    }

    private async Task RunAsync()
    {
        while (!_sent && Failure is null)
        {
            var room = connection.Room(SizeLine + Most + 2);
            var (front, most) = chunked ? (SizeLine, Most) : (0, Most);
            var reading = body.ReadAsync(room.Slice(front, most), _stop.Token);
            // What is gathered must not wait for what may never come. It lies before the room, so it can go while the room is being filled.
            if ((!reading.IsCompleted || connection.Gathered > Most) && !await TryFlushAsync())
            {
                await AbandonAsync(reading);
                return;
            }
            if (await TryReadAsync(reading) is not { } count) return;
            connection.Add(chunked ? FrameChunk(room.Span, count) : count);
            moved();
            if (count == 0 && await TryFlushAsync()) _sent = true;
        }
    }

    private async ValueTask<bool> TryFlushAsync()
    {
        try
        {
            await connection.FlushAsync();
            return true;
        }
        catch (Exception e) when (e is IOException or SocketException or InvalidOperationException or ObjectDisposedException)
        {
            // The app may have answered without reading on, so its answer decides.
            Failure = e;
            return false;
        }
    }

    private async ValueTask<int?> TryReadAsync(ValueTask<int> reading)
    {
        try
        {
            return await reading;
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or InvalidOperationException or ObjectDisposedException)
        {
            Failure = e;
            _callerFailed = !_stop.IsCancellationRequested;
            // Half a body must not be answered.
            connection.Break();
            return null;
        }
    }

    private async ValueTask AbandonAsync(ValueTask<int> reading)
    {
        Stop();
        try
        {
            await reading;
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or InvalidOperationException or ObjectDisposedException)
        {
            // The write's failure is what counts.
            Failure ??= e;
        }
    }

    /// <summary>Puts the size line before the data, moved up to it where the size is short, and the line's end behind. Nothing gives the last chunk.</summary>
    private static int FrameChunk(Span<byte> room, int count)
    {
        if (count == 0)
        {
            "0\r\n\r\n"u8.CopyTo(room);
            return 5;
        }
        count.TryFormat(room, out var digits, "x", CultureInfo.InvariantCulture);
        if (digits < SizeLine - 2) room.Slice(SizeLine, count).CopyTo(room[(digits + 2)..]);
        "\r\n"u8.CopyTo(room[digits..]);
        "\r\n"u8.CopyTo(room[(digits + 2 + count)..]);
        return digits + 2 + count + 2;
    }
}
