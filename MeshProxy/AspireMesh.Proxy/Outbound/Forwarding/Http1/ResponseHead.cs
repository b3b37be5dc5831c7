using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace AspireMesh.Proxy.Outbound.Forwarding.Http1;

/// <summary>How a response's body ends (RFC 9112 section 6.3).</summary>
internal enum BodyFraming
{
    /// <summary>There is none.</summary>
    None,

    /// <summary>After a number of bytes.</summary>
    Length,

    /// <summary>With its last chunk.</summary>
    Chunked,

    /// <summary>With the connection.</summary>
    UntilClose,
}

/// <summary>What came is no HTTP/1.x response.</summary>
internal sealed class ResponseFormatException(string message) : IOException($"the answer is no HTTP/1.1: {message}");

/// <summary>
/// Reads the head of a response (RFC 9112 sections 4 to 6). Strict where a lax reader lets one message be taken for two: framing, the space before a colon, folded
/// lines, control characters. Lax only where RFC 9112 2.2 allows it and old apps need it: a line may end with LF alone. Reused; holds places in the buffer it read.
/// </summary>
internal sealed class ResponseHead
{
    /// <summary>The longest head, bytes.</summary>
    public const int MaxLength = 1024 * 1024;

    private static readonly SearchValues<byte> s_token = SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"u8);
    private static readonly SearchValues<byte> s_controls = SearchValues.Create(
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 127]);

    private Field[] _fields = new Field[16];
    private int _count;
    private bool _saysClose;
    private bool _saysKeepAlive;
    private bool _http10;
    private bool _ambiguous;

    public int Status { get; private set; }

    /// <summary>Where the reason phrase is.</summary>
    public Range Reason { get; private set; }

    public BodyFraming Framing { get; private set; }

    /// <summary>With <see cref="BodyFraming.Length"/>; also what a response without a body announces. -1 for nothing.</summary>
    public long Length { get; private set; }

    /// <summary>Whether <c>Connection</c> names fields of this response, which then end here.</summary>
    public bool NamesFields { get; private set; }

    /// <summary>Whether another request may follow on the connection once the body has been read.</summary>
    public bool KeepsConnection => Framing != BodyFraming.UntilClose && !_ambiguous && !_saysClose && (!_http10 || _saysKeepAlive);

    public ReadOnlySpan<Field> Fields => _fields.AsSpan(0, _count);

    /// <summary>Where a head (or a trailer section) ends: after its empty line.</summary>
    /// <param name="bytes">What has come so far.</param>
    /// <param name="looked">How far it was looked at before, kept between calls: a head that comes byte by byte is looked at once.</param>
    /// <returns>Its length; 0 while the end is not there.</returns>
    public static int FindEnd(ReadOnlySpan<byte> bytes, ref int looked)
    {
        while (true)
        {
            var at = bytes[looked..].IndexOf((byte)'\n');
            if (at < 0)
            {
                looked = bytes.Length;
                return 0;
            }
            at += looked;
            if (IsEmptyLine(bytes, at)) return at + 1;
            looked = at + 1;
        }
    }

    /// <summary>Reads a whole head.</summary>
    /// <param name="head">Up to and with its empty line.</param>
    /// <param name="requestMethod">What it answers: nothing follows the answer to a HEAD.</param>
    /// <exception cref="ResponseFormatException">It breaks a rule.</exception>
    public void Read(ReadOnlySpan<byte> head, string requestMethod)
    {
        (_count, _saysClose, _saysKeepAlive, _ambiguous, NamesFields, Length) = (0, false, false, false, false, -1);
        var place = ReadStatusLine(head);
        var codings = 0;
        var chunked = false;
        while (NextLine(head, ref place) is { } line)
        {
            var field = ReadField(head, line);
            var name = head[field.Name];
            switch (name.Length)
            {
                case 10 when Is(name, "connection"u8):
                    ReadConnection(head[field.Value]);
                    break;
                case 14 when Is(name, "content-length"u8):
                    ReadLength(head[field.Value]);
                    break;
                case 17 when Is(name, "transfer-encoding"u8):
                    codings++;
                    chunked = Is(head[field.Value], "chunked"u8);
                    break;
            }
            if (_count == _fields.Length) Array.Resize(ref _fields, _count * 2);
            _fields[_count++] = field;
        }
        Frame(requestMethod, codings, chunked);
    }

    /// <summary>The value of a field; empty where it is not there. The first, where it is there twice.</summary>
    public ReadOnlySpan<byte> ValueOf(ReadOnlySpan<byte> head, ReadOnlySpan<byte> name)
    {
        foreach (var field in Fields)
            if (Is(head[field.Name], name)) return head[field.Value];
        return default;
    }

    /// <summary>Whether a field's name stands in a <c>Connection</c> field.</summary>
    public bool IsNamedByConnection(ReadOnlySpan<byte> head, ReadOnlySpan<byte> name)
    {
        foreach (var field in Fields)
        {
            if (!Is(head[field.Name], "connection"u8)) continue;
            foreach (var token in head[field.Value].Split((byte)','))
                if (Is(Trim(head[field.Value][token]), name)) return true;
        }
        return false;
    }

    /// <summary>The value of <c>grpc-status</c> in a trailer section; null for none.</summary>
    public static int? GrpcStatusIn(ReadOnlySpan<byte> trailers)
    {
        int? status = null;
        var place = 0;
        while (NextLine(trailers, ref place) is { } line)
        {
            var field = ReadField(trailers, line);
            if (Is(trailers[field.Name], "grpc-status"u8) && ParseNumber(trailers[field.Value]) is var code and >= 0 and <= int.MaxValue) status = (int)code;
        }
        return status;
    }

    /// <summary>Digits alone; -1 for anything else.</summary>
    public static long ParseNumber(ReadOnlySpan<byte> text) =>
        text.Length is > 0 and < 19 && !text.ContainsAnyExceptInRange((byte)'0', (byte)'9') && Utf8Parser.TryParse(text, out long number, out var used) && used == text.Length ? number : -1;

    private int ReadStatusLine(ReadOnlySpan<byte> head)
    {
        var place = 0;
        var line = NextLine(head, ref place) is { } found ? found : throw new ResponseFormatException("it begins with an empty line");
        var (start, length) = line.GetOffsetAndLength(head.Length);
        var text = head.Slice(start, length);
        if (text.Length < 12 || !text.StartsWith("HTTP/1."u8) || text[7] is not ((byte)'0' or (byte)'1') || text[8] != ' ' || (text.Length > 12 && text[12] != ' '))
            throw new ResponseFormatException("it does not begin with a status line");
        if (ParseNumber(text[9..12]) is not (>= 100 and < 1000 and var status)) throw new ResponseFormatException("its status is no number of three digits");
        _http10 = text[7] == '0';
        Status = (int)status;
        Reason = (start + Math.Min(13, length))..(start + length);
        if (head[Reason].ContainsAny(s_controls)) throw new ResponseFormatException("its reason phrase has a control character");
        return place;
    }

    private void ReadConnection(ReadOnlySpan<byte> value)
    {
        foreach (var range in value.Split((byte)','))
        {
            var token = Trim(value[range]);
            if (Is(token, "close"u8)) _saysClose = true;
            else if (Is(token, "keep-alive"u8)) _saysKeepAlive = true;
            else if (!token.IsEmpty) NamesFields = true;
        }
    }

    // RFC 9110 8.6: a list of equal lengths may be taken for one; anything else makes the framing unknown.
    private void ReadLength(ReadOnlySpan<byte> value)
    {
        foreach (var range in value.Split((byte)','))
        {
            var length = ParseNumber(Trim(value[range]));
            if (length < 0 || (Length >= 0 && Length != length)) throw new ResponseFormatException("its Content-Length is no number, or two");
            Length = length;
        }
    }

    private void Frame(string requestMethod, int codings, bool chunked)
    {
        if (codings > 0 && (codings > 1 || !chunked)) throw new ResponseFormatException("its Transfer-Encoding is not 'chunked' alone");
        if (codings > 0 && _http10) throw new ResponseFormatException("an HTTP/1.0 response has a Transfer-Encoding");
        // Both: the coding wins, the length is not passed on, and nothing that follows on this connection can be trusted (RFC 9112 6.3).
        _ambiguous = codings > 0 && Length >= 0;
        if (_ambiguous) Length = -1;
        if (requestMethod == "HEAD" || Status is < 200 or 204 or 304) Framing = BodyFraming.None;
        else if (codings > 0) Framing = BodyFraming.Chunked;
        else Framing = Length >= 0 ? BodyFraming.Length : BodyFraming.UntilClose;
    }

    private static Field ReadField(ReadOnlySpan<byte> head, Range line)
    {
        var (start, length) = line.GetOffsetAndLength(head.Length);
        var text = head.Slice(start, length);
        if (text[0] is (byte)' ' or (byte)'\t') throw new ResponseFormatException("a header line is folded");
        var colon = text.IndexOf((byte)':');
        if (colon <= 0 || text[..colon].ContainsAnyExcept(s_token)) throw new ResponseFormatException("a header line has no name that is one");
        var (from, to) = (colon + 1, length);
        while (from < to && text[from] is (byte)' ' or (byte)'\t') from++;
        while (to > from && text[to - 1] is (byte)' ' or (byte)'\t') to--;
        if (text[from..to].ContainsAny(s_controls)) throw new ResponseFormatException("a header value has a control character");
        return new Field(start..(start + colon), (start + from)..(start + to));
    }

    /// <summary>The next line without its end; null for the empty one.</summary>
    private static Range? NextLine(ReadOnlySpan<byte> bytes, ref int place)
    {
        var start = place;
        var length = bytes[start..].IndexOf((byte)'\n');
        if (length < 0) return null;
        place = start + length + 1;
        if (length > 0 && bytes[start + length - 1] == '\r') length--;
        return length == 0 ? null : start..(start + length);
    }

    private static bool IsEmptyLine(ReadOnlySpan<byte> bytes, int lf) => lf == 0 || bytes[lf - 1] == '\n' || (bytes[lf - 1] == '\r' && (lf == 1 || bytes[lf - 2] == '\n'));

    private static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> text) => text.Trim(" \t"u8);

    private static bool Is(ReadOnlySpan<byte> text, ReadOnlySpan<byte> lower) => Ascii.EqualsIgnoreCase(text, lower);

    /// <summary>Places of a name and its value in the head.</summary>
    internal readonly record struct Field(Range Name, Range Value);
}
