namespace AspireMesh.Proxy.Outbound.Forwarding.Http1;

/// <summary>
/// The framing of a chunked body (RFC 9112 section 7.1): sizes, extensions, line ends. Every line of it ends with CRLF and nothing else, for a chunk that two readers
/// end at different places is two messages to one of them. The trailer section after the last chunk is the caller's to read.
/// </summary>
internal struct ChunkReader
{
    /// <summary>The longest size line with its extension.</summary>
    private const int MaxLine = 4096;

    private Step _step;
    private int _digits;
    private int _line;

    /// <summary>Bytes of the chunk's data that are still to come; to be lowered by who takes them.</summary>
    public long DataLeft { get; set; }

    /// <summary>Whether the last chunk has been seen: trailers and an empty line follow.</summary>
    public readonly bool IsAtTrailers => _step == Step.Trailers;

    /// <summary>Takes framing up to the next byte of data, to the trailers, or to the end of what is there.</summary>
    /// <returns>How many bytes it was.</returns>
    /// <exception cref="ResponseFormatException">It breaks a rule.</exception>
    public int Take(ReadOnlySpan<byte> bytes)
    {
        var place = 0;
        while (place < bytes.Length && DataLeft == 0 && _step != Step.Trailers) Next(bytes[place++]);
        return place;
    }

    private void Next(byte b)
    {
        // Where data was, its line's end follows.
        if (_step == Step.Data) _step = Step.DataCr;
        if (_step is Step.Size or Step.Extension && ++_line > MaxLine) throw new ResponseFormatException("a chunk's size line does not end");
        switch (_step)
        {
            case Step.Size when char.IsAsciiHexDigit((char)b):
                if (++_digits > 15) throw new ResponseFormatException("a chunk's size is beyond reason");
                _size = (_size << 4) | (long)HexValue(b);
                return;
            case Step.Size when _digits > 0 && b == '\r':
            case Step.Extension when b == '\r':
                _step = Step.SizeLf;
                return;
            case Step.Size when _digits > 0 && b is (byte)';' or (byte)' ' or (byte)'\t':
                _step = Step.Extension;
                return;
            case Step.Extension when b != '\n' && b != 0:
                return;
            case Step.SizeLf when b == '\n':
                EndSize();
                return;
            case Step.DataCr when b == '\r':
                _step = Step.DataLf;
                return;
            case Step.DataLf when b == '\n':
                (_step, _digits, _size, _line) = (Step.Size, 0, 0, 0);
                return;
            default:
                throw new ResponseFormatException("a chunk's framing is broken");
        }
    }

    private long _size;

    private void EndSize()
    {
        DataLeft = _size;
        _step = _size == 0 ? Step.Trailers : Step.Data;
    }

    private static int HexValue(byte b) => b <= '9' ? b - '0' : (b | 0x20) - 'a' + 10;

    private enum Step
    {
        Size,
        Extension,
        SizeLf,
        Data,
        DataCr,
        DataLf,
        Trailers,
    }
}
