using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace AspireMesh.Proxy.Tests.Pipeline;

/// <summary>An HTTP/2 client that sends whatever frames a test wants (RFC 9113), with header blocks of literals only (RFC 7541 section 6.2.2).</summary>
internal sealed class RawHttp2 : IDisposable
{
    public const byte Data = 0, Headers = 1, RstStream = 3, Settings = 4, Ping = 6, GoAway = 7, WindowUpdate = 8, Continuation = 9;
    public const byte EndStream = 1, EndHeaders = 4;

    private readonly TcpClient _client = new();

    private RawHttp2()
    {
    }

    public static async Task<RawHttp2> ConnectAsync(IPEndPoint to)
    {
        var raw = new RawHttp2();
        await raw._client.ConnectAsync(to);
        await raw._client.GetStream().WriteAsync("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray());
        await raw.SendAsync(Settings, 0, 0, []);
        return raw;
    }

    public static (string Name, string Value)[] Get(params (string Name, string Value)[] more) => [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "a"), .. more];

    public static byte[] Block(params (string Name, string Value)[] headers) => [.. headers.SelectMany(h => (byte[])[0, .. Text(h.Name), .. Text(h.Value)])];

    public static byte[] Frame(byte type, byte flags, int stream, byte[] content)
    {
        var frame = new byte[9 + content.Length];
        frame[0] = (byte)(content.Length >> 16);
        frame[1] = (byte)(content.Length >> 8);
        frame[2] = (byte)content.Length;
        frame[3] = type;
        frame[4] = flags;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        content.CopyTo(frame, 9);
        return frame;
    }

    public Task SendAsync(byte type, byte flags, int stream, byte[] content) => SendAsync(Frame(type, flags, stream, content));

    /// <summary>Bytes as they are; what the other end has closed already takes none.</summary>
    public async Task SendAsync(byte[] bytes)
    {
        try
        {
            await _client.GetStream().WriteAsync(bytes);
        }
        catch (Exception e) when (e is IOException or InvalidOperationException)
        {
            // It gave up on us: what it said before is read next.
        }
    }

    /// <summary>Reads until the stream or the connection gets its verdict: <c>status</c>, <c>RST code</c>, <c>GOAWAY code</c>, or <c>closed</c>.</summary>
    public async Task<string> VerdictAsync(int stream, CancellationToken cancellationToken)
    {
        var head = new byte[9];
        try
        {
            while (true)
            {
                await _client.GetStream().ReadExactlyAsync(head, cancellationToken);
                var content = new byte[(head[0] << 16) | (head[1] << 8) | head[2]];
                await _client.GetStream().ReadExactlyAsync(content, cancellationToken);
                var id = BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(5)) & int.MaxValue;
                if (head[3] == GoAway && BinaryPrimitives.ReadInt32BigEndian(content.AsSpan(4)) is > 0 and var code) return $"GOAWAY {code}";
                if (head[3] == RstStream && id == stream) return $"RST {BinaryPrimitives.ReadInt32BigEndian(content)}";
                // 0x88: the static table's ":status 200".
                if (head[3] == Headers && id == stream) return content[0] == 0x88 ? "200" : $"status {Convert.ToHexString(content[..Math.Min(8, content.Length)])}";
            }
        }
        catch (Exception e) when (e is IOException or EndOfStreamException)
        {
            return "closed";
        }
    }

    public void Dispose() => _client.Dispose();

    private static byte[] Text(string text)
    {
        var bytes = Encoding.Latin1.GetBytes(text);
        // A prefix integer of seven bits (RFC 7541 section 5.1).
        if (bytes.Length < 127) return [(byte)bytes.Length, .. bytes];
        var rest = bytes.Length - 127;
        List<byte> length = [127];
        for (; rest >= 128; rest >>= 7) length.Add((byte)(rest | 128));
        length.Add((byte)rest);
        return [.. length, .. bytes];
    }
}
