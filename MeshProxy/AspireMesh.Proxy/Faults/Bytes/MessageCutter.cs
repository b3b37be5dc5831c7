using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace AspireMesh.Proxy.Faults.Bytes;

/// <summary>A part of one message.</summary>
/// <param name="Bytes">The bytes, framing included; valid until the next segment is asked for.</param>
/// <param name="Message">The message's ordinal from 1; 0 for what is no message (a WebSocket's ping, pong or close).</param>
/// <param name="Starts">The message begins here.</param>
/// <param name="Ends">The message ends here.</param>
internal readonly record struct MessageSegment(ReadOnlyMemory<byte> Bytes, long Message, bool Starts, bool Ends);

/// <summary>Cuts a stream of bytes where its messages begin. Holds back no more than one frame's header.</summary>
internal sealed class MessageCutter(MessageFraming framing)
{
    private const int MostHeader = 14;

    private readonly byte[] _header = new byte[MostHeader];
    private int _headerLength;
    private ulong _left;
    private long _messages;
    private long _current;
    private bool _lastFrame;

    public async IAsyncEnumerable<MessageSegment> CutAsync(IAsyncEnumerable<ReadOnlyMemory<byte>> bytes, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (var piece in bytes.WithCancellation(cancellation))
        {
            var rest = piece;
            while (!rest.IsEmpty)
            {
                if (_left > 0)
                {
                    var count = (int)Math.Min(_left, (ulong)rest.Length);
                    _left -= (ulong)count;
                    yield return new MessageSegment(rest[..count], _current, false, _left == 0 && _lastFrame);
                    rest = rest[count..];
                    continue;
                }

                _header[_headerLength++] = rest.Span[0];
                rest = rest[1..];
                if (!IsHeaderWhole()) continue;
                var starts = Begin();
                yield return new MessageSegment(_header.AsMemory(0, _headerLength).ToArray(), _current, starts, _left == 0 && _lastFrame);
                _headerLength = 0;
            }
        }

        if (_headerLength > 0) yield return new MessageSegment(_header.AsMemory(0, _headerLength).ToArray(), 0, false, false);
    }

    private bool IsHeaderWhole() => framing == MessageFraming.Grpc ? _headerLength == 5 : _headerLength >= 2 && _headerLength == WebSocketHeader();

    private int WebSocketHeader() => 2 + (_header[1] & 0x7f) switch { 126 => 2, 127 => 8, _ => 0 } + ((_header[1] & 0x80) != 0 ? 4 : 0);

    private bool Begin()
    {
        if (framing == MessageFraming.Grpc)
        {
            _left = BinaryPrimitives.ReadUInt32BigEndian(_header.AsSpan(1));
            _current = ++_messages;
            _lastFrame = true;
            return true;
        }

        _left = (_header[1] & 0x7f) switch
        {
            126 => BinaryPrimitives.ReadUInt16BigEndian(_header.AsSpan(2)),
            127 => BinaryPrimitives.ReadUInt64BigEndian(_header.AsSpan(2)),
            var small => (ulong)small,
        };
        var opcode = _header[0] & 0x0f;
        if (opcode is 1 or 2) _messages++;
        _current = opcode < 8 ? _messages : 0;
        _lastFrame = opcode < 8 && (_header[0] & 0x80) != 0;
        return opcode is 1 or 2;
    }
}
