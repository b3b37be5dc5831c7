using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace AspireMesh.TestKit;

/// <summary>What a load saw.</summary>
/// <param name="Sent">Requests whose bytes were written, or that found nobody to write to.</param>
/// <param name="Answered">Of those, answered with 200 and the whole body.</param>
/// <param name="Late">Requests that were due and not sent, because as many as allowed were waiting for answers: the machine did not hold the rate.</param>
/// <param name="Seconds">How long it ran.</param>
/// <param name="P50Ms">Median time from due to answered, milliseconds.</param>
/// <param name="P99Ms">99th percentile.</param>
/// <param name="MaxMs">The slowest.</param>
/// <param name="Failures">The first failures, in words; <paramref name="Sent"/> minus <paramref name="Answered"/> says how many there were.</param>
public sealed record LoadReport(long Sent, long Answered, long Late, double Seconds, double P50Ms, double P99Ms, double MaxMs, IReadOnlyList<string> Failures)
{
    /// <summary>Requests that were sent and not answered as they should have been.</summary>
    public long Failed => Sent - Answered;

    /// <summary>Requests per second that were really sent.</summary>
    public double Rate => Sent / Seconds;

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{Sent} requests in {Seconds:0.0} s ({Rate:0}/s, {Late} not sent in time), {Failed} failed; p50 {P50Ms:0.0} ms, p99 {P99Ms:0.0} ms, max {MaxMs:0} ms");
}

/// <summary>
/// Requests at a fixed rate, whatever the answers do (an open loop), over kept-alive HTTP/1.1 connections. Plain sockets and no HTTP library: those repeat
/// a request by themselves when a reused connection turns out to be closed, and a repetition is what a test of lost requests must not have. Requests that
/// are due while many are unanswered are counted as late instead of sent, so that a machine that cannot hold the rate does not fall over.
/// </summary>
public sealed class PacedLoad
{
    private const int MostOpen = 256;
    private const int MostDescribed = 20;
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(4);
    private static readonly TimeSpan IdleLimit = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(60);

    private readonly IPEndPoint _target;
    private readonly int _perSecond;
    private readonly byte[] _request;
    private readonly ConcurrentStack<(Socket Socket, long Since)> _idle = new();
    private readonly ConcurrentQueue<string> _failures = new();
    private readonly ConcurrentBag<float> _times = [];
    private readonly CancellationTokenSource _ended = new();
    private readonly TaskCompletionSource _first = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly long _started = Stopwatch.GetTimestamp();
    private readonly Task _pacing;
    private long _sent;
    private long _answered;
    private long _late;
    private int _open;

    private PacedLoad(IPEndPoint target, int perSecond, string path)
    {
        (_target, _perSecond) = (target, perSecond);
        _request = Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: load\r\n\r\n");
        _pacing = Task.Run(PaceAsync);
    }

    /// <summary>Requests answered so far.</summary>
    public long Answered => Interlocked.Read(ref _answered);

    /// <summary>Starts; completes when the first request was answered, or failed.</summary>
    public static async Task<PacedLoad> StartAsync(int port, int perSecond = 1000, string path = "/")
    {
        var load = new PacedLoad(new IPEndPoint(IPAddress.Loopback, port), perSecond, path);
        await load._first.Task;
        return load;
    }

    /// <summary>Sends nothing more and waits for what was sent.</summary>
    public async Task<LoadReport> StopAsync()
    {
        await _ended.CancelAsync();
        await _pacing;
        var seconds = Stopwatch.GetElapsedTime(_started).TotalSeconds;
        while (_idle.TryPop(out var last)) last.Socket.Dispose();
        _ended.Dispose();
        float[] times = [.. _times.Order()];
        double At(double share) => times.Length == 0 ? 0 : times[(int)Math.Min(times.Length - 1, times.Length * share)];
        return new LoadReport(_sent, _answered, _late, seconds, At(0.5), At(0.99), At(1), [.. _failures]);
    }

    private async Task PaceAsync()
    {
        using var timer = new PeriodicTimer(Tick);
        var running = new ConcurrentDictionary<Task, byte>();
        long launched = 0;
        var swept = _started;
        try
        {
            while (await timer.WaitForNextTickAsync(_ended.Token))
            {
                if (Stopwatch.GetElapsedTime(swept) > IdleLimit)
                {
                    swept = Stopwatch.GetTimestamp();
                    CloseIdle();
                }
                var due = (long)(Stopwatch.GetElapsedTime(_started).TotalSeconds * _perSecond);
                for (; launched < due; launched++)
                {
                    if (Volatile.Read(ref _open) >= MostOpen)
                    {
                        _late++;
                        continue;
                    }
                    Interlocked.Increment(ref _open);
                    var request = SendAsync();
                    if (request.IsCompleted) continue;
                    running[request] = 0;
                    _ = request.ContinueWith(r => running.TryRemove(r, out _), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
                }
            }
        }
        catch (OperationCanceledException) when (_ended.IsCancellationRequested)
        {
            // Asked to stop: what was sent is still waited for.
        }
        await Task.WhenAll(running.Keys);
    }

    private void CloseIdle()
    {
        var all = new (Socket Socket, long Since)[_idle.Count];
        var popped = all.Length == 0 ? 0 : _idle.TryPopRange(all, 0, all.Length);
        foreach (var idle in all.Take(popped).Reverse())
        {
            if (Stopwatch.GetElapsedTime(idle.Since) < IdleLimit) _idle.Push(idle);
            else idle.Socket.Dispose();
        }
    }

    private async Task SendAsync()
    {
        var began = Stopwatch.GetTimestamp();
        Socket? socket = null;
        Interlocked.Increment(ref _sent);
        try
        {
            using var limit = new CancellationTokenSource(AnswerLimit);
            socket = await ConnectionAsync(limit.Token);
            await socket.SendAsync(_request, SocketFlags.None, limit.Token);
            if (await ReadAnswerAsync(socket, limit.Token)) _idle.Push((socket, Stopwatch.GetTimestamp()));
            else socket.Dispose();
            Interlocked.Increment(ref _answered);
            _times.Add((float)Stopwatch.GetElapsedTime(began).TotalMilliseconds);
        }
        catch (Exception e) when (e is SocketException or IOException or OperationCanceledException)
        {
            socket?.Dispose();
            if (_failures.Count < MostDescribed) _failures.Enqueue(string.Create(CultureInfo.InvariantCulture, $"at {Stopwatch.GetElapsedTime(_started).TotalSeconds:0.00} s: {e.Message}"));
        }
        finally
        {
            Interlocked.Decrement(ref _open);
            _first.TrySetResult();
        }
    }

    // A connection that its server has closed meanwhile is readable before anything was asked on it: every client looks, and takes another one. Nor does any
    // client use one that has been idle for longer than its server may keep it.
    private async Task<Socket> ConnectionAsync(CancellationToken cancellationToken)
    {
        while (_idle.TryPop(out var idle))
        {
            if (Stopwatch.GetElapsedTime(idle.Since) < IdleLimit && !idle.Socket.Poll(0, SelectMode.SelectRead)) return idle.Socket;
            idle.Socket.Dispose();
        }
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(_target, cancellationToken);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Reads one answer with a Content-Length; true when the connection can be used again.</summary>
    private static async Task<bool> ReadAnswerAsync(Socket socket, CancellationToken cancellationToken)
    {
        var buffer = new byte[4096];
        var length = 0;
        int head;
        while ((head = buffer.AsSpan(0, length).IndexOf("\r\n\r\n"u8)) < 0)
        {
            if (length == buffer.Length) throw new IOException("the answer's head is longer than 4 KiB");
            var read = await socket.ReceiveAsync(buffer.AsMemory(length), SocketFlags.None, cancellationToken);
            if (read == 0) throw new IOException(length == 0 ? "the connection was closed instead of an answer" : "the connection was closed within an answer's head");
            length += read;
        }
        var text = Encoding.Latin1.GetString(buffer, 0, head);
        var size = Header(text, "Content-Length") is { } digits ? int.Parse(digits, CultureInfo.InvariantCulture) : throw new IOException($"an answer without Content-Length: {text}");
        for (var left = size - (length - head - 4); left > 0;)
        {
            var read = await socket.ReceiveAsync(buffer.AsMemory(0, Math.Min(left, buffer.Length)), SocketFlags.None, cancellationToken);
            if (read == 0) throw new IOException("the connection was closed within an answer's body");
            left -= read;
        }
        if (!text.StartsWith("HTTP/1.1 200", StringComparison.Ordinal)) throw new IOException($"{text[..Math.Min(text.Length, text.IndexOf('\r', StringComparison.Ordinal) < 0 ? text.Length : text.IndexOf('\r', StringComparison.Ordinal))]} {Encoding.Latin1.GetString(buffer, head + 4, Math.Max(0, Math.Min(length - head - 4, size)))}");
        return !string.Equals(Header(text, "Connection"), "close", StringComparison.OrdinalIgnoreCase);
    }

    private static string? Header(string head, string name)
    {
        foreach (var line in head.Split("\r\n"))
        {
            if (line.StartsWith(name, StringComparison.OrdinalIgnoreCase) && line.Length > name.Length && line[name.Length] == ':') return line[(name.Length + 1)..].Trim();
        }
        return null;
    }
}
