using System.Buffers.Binary;

namespace AspireMesh.Proxy.Tunnel.Multiplexing;

/// <summary>What a frame is.</summary>
internal enum FrameType : byte
{
    /// <summary>Opens a stream; the payload is a <see cref="StreamOpening"/>. Only the dialling side opens streams.</summary>
    Open = 1,

    /// <summary>Bytes of a stream, counted against its window.</summary>
    Data = 2,

    /// <summary>No more bytes from this side (half-close). Empty payload.</summary>
    Finish = 3,

    /// <summary>Ends a stream in both directions; the payload is a <see cref="TunnelError"/>.</summary>
    Reset = 4,

    /// <summary>Grants more bytes to the peer on this stream; the payload is how many.</summary>
    Window = 5,

    /// <summary>Asks for a <see cref="Pong"/> with the same eight bytes.</summary>
    Ping = 6,

    /// <summary>Answers a <see cref="Ping"/>.</summary>
    Pong = 7,

    /// <summary>Opens no more: the payload is the last stream that is looked at and a <see cref="TunnelError"/>.</summary>
    GoAway = 8,

    /// <summary>From the accepting side: the stream was let in and its app took the connection. Until then nothing of it was delivered. Empty payload.</summary>
    Ready = 9,
}

/// <summary>Eight bytes before every payload: length (3), type (1), stream (4), big-endian.</summary>
internal readonly record struct FrameHeader(int Length, FrameType Type, uint Stream)
{
    public const int Size = 8;

    /// <summary>The longest payload, bytes: small enough that one stream's frame never holds up the others for long.</summary>
    public const int MaxPayload = 16 * 1024;

    public static FrameHeader Read(ReadOnlySpan<byte> bytes)
    {
        var word = BinaryPrimitives.ReadUInt32BigEndian(bytes);
        return new((int)(word >> 8), (FrameType)(word & 0xff), BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]));
    }

    public void Write(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt32BigEndian(bytes, ((uint)Length << 8) | (byte)Type);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[4..], Stream);
    }

    /// <summary>The rule this header breaks, or null. Lengths are checked here, before any payload is waited for.</summary>
    public string? Violation() => Type switch
    {
        _ when Length > MaxPayload => $"a frame of {Length} bytes; the limit is {MaxPayload}",
        FrameType.Open when Stream == 0 || Length is < StreamOpening.MinSize or > StreamOpening.MaxSize => $"OPEN of stream {Stream} with {Length} bytes",
        FrameType.Data when Stream == 0 || Length == 0 => $"DATA of stream {Stream} with {Length} bytes",
        FrameType.Finish or FrameType.Ready when Stream == 0 || Length != 0 => $"{Type} of stream {Stream} with {Length} bytes",
        FrameType.Reset or FrameType.Window when Stream == 0 || Length != 4 => $"{Type} of stream {Stream} with {Length} bytes",
        FrameType.Ping or FrameType.Pong or FrameType.GoAway when Stream != 0 || Length != 8 => $"{Type} on stream {Stream} with {Length} bytes",
        < FrameType.Open or > FrameType.Ready => $"an unknown frame type {(byte)Type}",
        _ => null,
    };
}
