using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace AspireMesh.Benchmarks.Faults;

/// <summary>
/// Bounded load over connections that are kept from turn to turn, each with one request at a time. What wrk cannot do: turns of a fraction of a second, without the cost and
/// the chance of new connections in each.
/// </summary>
internal sealed class SteadyLoad : IAsyncDisposable
{
    private static readonly byte[] s_request = "GET / HTTP/1.1\r\nHost: bench\r\n\r\n"u8.ToArray();
    private static readonly byte[] s_ok = "HTTP/1.1 200 "u8.ToArray();
    private static readonly byte[] s_endOfHead = "\r\n\r\n"u8.ToArray();

    private readonly Socket[] _connections;

    private SteadyLoad(Socket[] connections) => _connections = connections;

    public static async Task<SteadyLoad> ConnectAsync(int port, int connections) => new(await Task.WhenAll(Enumerable.Range(0, connections).Select(async _ =>
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, port);
        return socket;
    })));

    /// <summary>Asks for a time; what had begun by its end is finished and counted, and so is the time that takes.</summary>
    public async Task<(long Requests, TimeSpan Took)> RunAsync(TimeSpan time)
    {
        var start = Stopwatch.GetTimestamp();
        var counts = await Task.WhenAll(_connections.Select(c => Task.Run(async () =>
        {
            var buffer = new byte[16 * 1024];
            long count = 0;
            for (; Stopwatch.GetElapsedTime(start) < time; count++) await AskAsync(c, buffer);
            return count;
        })));
        return (counts.Sum(), Stopwatch.GetElapsedTime(start));
    }

    public ValueTask DisposeAsync()
    {
        foreach (var connection in _connections) connection.Dispose();
        return ValueTask.CompletedTask;
    }

    private static async Task AskAsync(Socket connection, byte[] buffer)
    {
        await connection.SendAsync(s_request);
        var (read, whole) = (0, int.MaxValue);
        while (read < whole)
        {
            var more = await connection.ReceiveAsync(buffer.AsMemory(read));
            if (more == 0) throw new InvalidOperationException("the pair ended a connection");
            read += more;
            if (whole == int.MaxValue) whole = Length(buffer.AsSpan(0, read));
        }
    }

    /// <summary>How long the answer is; unknown while its head is not whole.</summary>
    private static int Length(ReadOnlySpan<byte> bytes)
    {
        var head = bytes.IndexOf(s_endOfHead);
        if (head < 0) return int.MaxValue;
        var text = Encoding.ASCII.GetString(bytes[..head]);
        const string Field = "Content-Length: ";
        var at = text.IndexOf(Field, StringComparison.OrdinalIgnoreCase);
        if (!bytes.StartsWith(s_ok) || at < 0) throw new InvalidOperationException($"the pair answered with errors:\n{text}");
        var end = text.IndexOf('\r', at);
        return head + s_endOfHead.Length + int.Parse(text.AsSpan(at + Field.Length, (end < 0 ? text.Length : end) - at - Field.Length), CultureInfo.InvariantCulture);
    }
}
