using System.Buffers.Binary;
using System.Diagnostics;
using System.Text;

namespace AspireMesh.Proxy.Tunnel.Multiplexing;

/// <summary>
/// The header a stream opens with: version (1), kind (1), trace flags (1), trace id (16), span id (8), length of the endpoint's name (1), the name.
/// The trace id is all zero where there is no trace.
/// </summary>
internal sealed record StreamOpening(string Endpoint, byte Kind, ActivityContext Trace)
{
    public const int MinSize = 29;
    public const int MaxSize = 28 + 255;
    private const byte Version = 1;

    public int Write(Span<byte> bytes)
    {
        bytes[0] = Version;
        bytes[1] = Kind;
        bytes[2] = (byte)Trace.TraceFlags;
        bytes.Slice(3, 24).Clear();
        if (Trace.TraceId != default)
        {
            Trace.TraceId.CopyTo(bytes.Slice(3, 16));
            Trace.SpanId.CopyTo(bytes.Slice(19, 8));
        }
        var length = Encoding.UTF8.GetBytes(Endpoint, bytes[28..]);
        if (length is 0 or > 255) throw new ArgumentException($"the endpoint name '{Endpoint}' is {length} bytes long; 1 to 255 fit");
        bytes[27] = (byte)length;
        return 28 + length;
    }

    /// <summary>Reads an opening; null where it breaks the form.</summary>
    public static StreamOpening? Read(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < MinSize || bytes[0] != Version || bytes[27] == 0 || bytes.Length != 28 + bytes[27]) return null;
        var name = bytes[28..];
        foreach (var b in name)
        {
            // Names are Aspire's: ASCII letters, digits and hyphens; the peer's identity does not make its bytes safe for a log.
            if (!char.IsAsciiLetterOrDigit((char)b) && b is not ((byte)'-' or (byte)'.' or (byte)'_')) return null;
        }
        var traced = BinaryPrimitives.ReadUInt64BigEndian(bytes[3..]) != 0 || BinaryPrimitives.ReadUInt64BigEndian(bytes[11..]) != 0;
        var trace = traced
            ? new ActivityContext(ActivityTraceId.CreateFromBytes(bytes.Slice(3, 16)), ActivitySpanId.CreateFromBytes(bytes.Slice(19, 8)), (ActivityTraceFlags)(bytes[2] & 1), isRemote: true)
            : default;
        return new StreamOpening(Encoding.ASCII.GetString(name), bytes[1], trace);
    }
}
