using System.Buffers.Binary;
using System.Net.Sockets;
using AspireMesh.Proxy.Tests.Pairs;

namespace AspireMesh.Proxy.Tests.Pipeline;

/// <summary>
/// An HTTP/2 server without TLS that turns streams away before it looks at them (RFC 9113 section 8.7), then answers with what it was sent. Kestrel has no GOAWAY for one stream, and none of both before a handler runs.
/// </summary>
/// <param name="how">Which way.</param>
/// <param name="times">How many streams it turns away before it answers.</param>
internal sealed class RefusingServer : IAsyncDisposable
{
    private const byte RefusedStream = 7;

    private readonly TcpApp _app;
    private readonly TurnedAway _how;
    private readonly int _times;
    private int _requests;

    public RefusingServer(TurnedAway how, int times)
    {
        (_how, _times) = (how, times);
        _app = TcpApp.Start(SpeakAsync);
    }

    public string Address => _app.Address;

    /// <summary>How often headers came, whatever it did with them.</summary>
    public int Requests => Volatile.Read(ref _requests);

    public int Connections => _app.Connections;

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task SpeakAsync(NetworkStream stream)
    {
        await stream.ReadExactlyAsync(new byte["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".Length]);
        await stream.WriteAsync(RawHttp2.Frame(RawHttp2.Settings, 0, 0, []));
        var bodies = new Dictionary<int, List<byte>>();
        var turnedAway = new HashSet<int>();
        var head = new byte[9];
        while (true)
        {
            await stream.ReadExactlyAsync(head);
            var content = new byte[(head[0] << 16) | (head[1] << 8) | head[2]];
            await stream.ReadExactlyAsync(content);
            var (type, flags, id) = (head[3], head[4], BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(5)) & int.MaxValue);
            if (type == RawHttp2.Settings && flags == 0) await stream.WriteAsync(RawHttp2.Frame(RawHttp2.Settings, 1, 0, []));
            else if (type == RawHttp2.Ping && flags == 0) await stream.WriteAsync(RawHttp2.Frame(RawHttp2.Ping, 1, 0, content));
            else if (type == RawHttp2.Headers)
            {
                bodies[id] = [];
                if (Interlocked.Increment(ref _requests) <= _times) turnedAway.Add(id);
                if (turnedAway.Contains(id) && _how != TurnedAway.AfterTheBody) await TurnAwayAsync(stream, id);
            }
            else if (type == RawHttp2.Data && bodies.TryGetValue(id, out var body))
            {
                body.AddRange(content);
                if (content.Length > 0) await stream.WriteAsync(RawHttp2.Frame(RawHttp2.WindowUpdate, 0, 0, BitConverter.GetBytes(BinaryPrimitives.ReverseEndianness(content.Length))));
            }
            if (type is not (RawHttp2.Headers or RawHttp2.Data) || (flags & RawHttp2.EndStream) == 0) continue;
            if (!turnedAway.Contains(id)) await AnswerAsync(stream, id, [.. bodies[id]]);
            else if (_how == TurnedAway.AfterTheBody) await TurnAwayAsync(stream, id);
        }
    }

    private async Task TurnAwayAsync(NetworkStream stream, int id) => await stream.WriteAsync(_how == TurnedAway.ByGoAway
        ? RawHttp2.Frame(RawHttp2.GoAway, 0, 0, [0, 0, (byte)((id - 1) >> 8), (byte)(id - 1), 0, 0, 0, 0])
        : RawHttp2.Frame(RawHttp2.RstStream, 0, id, [0, 0, 0, RefusedStream]));

    /// <summary>0x88 is the static table's ":status 200"; a frame holds 16,384 bytes.</summary>
    private static async Task AnswerAsync(NetworkStream stream, int id, byte[] body)
    {
        await stream.WriteAsync(RawHttp2.Frame(RawHttp2.Headers, RawHttp2.EndHeaders, id, [0x88]));
        foreach (var part in body.Chunk(16_384)) await stream.WriteAsync(RawHttp2.Frame(RawHttp2.Data, 0, id, part));
        await stream.WriteAsync(RawHttp2.Frame(RawHttp2.Data, RawHttp2.EndStream, id, []));
    }
}

/// <summary>How a server turns a stream away.</summary>
public enum TurnedAway
{
    /// <summary>RST_STREAM with REFUSED_STREAM as soon as the headers have come.</summary>
    AtTheHeaders,

    /// <summary>Likewise, once it has read the whole body.</summary>
    AfterTheBody,

    /// <summary>GOAWAY, whose last stream is one below.</summary>
    ByGoAway,
}
