using System.Buffers.Binary;

namespace AspireMesh.Proxy.Outbound.Farewell;

/// <summary>
/// Follows the frames of one direction of a WebSocket (RFC 6455 section 5.2) as far as it takes to know where one ends: there, and only there, a frame of ours may
/// stand. Payloads are passed over unread, so masking and extensions are of no interest.
/// </summary>
internal sealed class WebSocketFrames
{
    private const int LongestHead = 14;
    private const byte CloseOpcode = 8;

    private readonly byte[] _head = new byte[LongestHead];
    private int _headLength;
    private ulong _payloadLeft;

    /// <summary>Between two frames.</summary>
    public bool IsBetween => _headLength == 0 && _payloadLeft == 0;

    /// <summary>A close frame has begun: nothing may follow it.</summary>
    public bool IsClosed { get; private set; }

    /// <summary>Follows bytes; with <paramref name="toNextEnd"/> only to the end of a frame. How many of them that was.</summary>
    public int Pass(ReadOnlySpan<byte> bytes, bool toNextEnd)
    {
        var passed = 0;
        while (passed < bytes.Length)
        {
            if (_payloadLeft > 0)
            {
                var some = (int)Math.Min(_payloadLeft, (ulong)(bytes.Length - passed));
                _payloadLeft -= (ulong)some;
                passed += some;
            }
            else
            {
                _head[_headLength++] = bytes[passed++];
                if (_headLength == HeadSize()) EndHead();
            }
            if (toNextEnd && IsBetween) break;
        }
        return passed;
    }

    private int HeadSize()
    {
        if (_headLength < 2) return 2;
        var mask = (_head[1] & 0x80) == 0 ? 0 : 4;
        return 2 + mask + ((_head[1] & 0x7f) switch { 126 => 2, 127 => 8, _ => 0 });
    }

    private void EndHead()
    {
        IsClosed |= (_head[0] & 0x0f) == CloseOpcode;
        _payloadLeft = (_head[1] & 0x7f) switch
        {
            126 => BinaryPrimitives.ReadUInt16BigEndian(_head.AsSpan(2)),
            127 => BinaryPrimitives.ReadUInt64BigEndian(_head.AsSpan(2)),
            var length => (ulong)length,
        };
        _headLength = 0;
    }
}
