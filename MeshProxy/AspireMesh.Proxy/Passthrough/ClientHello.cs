using System.Buffers.Binary;
using System.Text;

namespace AspireMesh.Proxy.Passthrough;

/// <summary>What the bytes read so far are.</summary>
internal enum HelloState
{
    /// <summary>The beginning of a hello; more has to come.</summary>
    Incomplete,

    /// <summary>A whole hello.</summary>
    Complete,

    /// <summary>No TLS handshake (SSL 2 hellos included).</summary>
    NotTls,

    /// <summary>TLS, but no hello that RFC 8446 allows.</summary>
    Malformed,

    /// <summary>A hello larger than is held.</summary>
    TooLong,
}

/// <summary>
/// The first message of a TLS client (RFC 8446 section 4.1.2), read for the name it asks for (RFC 6066 section 3) and for nothing else. It may be spread over
/// any number of records (RFC 8446 section 5.1) and segments. Never throws, whatever the bytes are.
/// </summary>
/// <param name="State">What the bytes are.</param>
/// <param name="ServerName">The name in lower case; null where the hello has none.</param>
/// <param name="IsEncrypted">
/// Whether the hello holds an encrypted one (RFC 9849): <paramref name="ServerName"/> is then the name of whoever can read it. A made-up one (GREASE) looks the
/// same, with the true name outside; so nothing is decided by this, it is only told.
/// </param>
internal readonly record struct ClientHello(HelloState State, string? ServerName = null, bool IsEncrypted = false)
{
    /// <summary>The most bytes of records that are held for one hello. Real ones have some hundreds, with post-quantum keys under 4,000.</summary>
    public const int MaxBytes = 32 * 1024;

    private const int RecordHeader = 5;
    private const int MaxRecord = 16 * 1024;
    private const int MessageHeader = 4;
    private const byte HandshakeRecord = 22;
    private const byte HelloMessage = 1;
    private const int ServerNameExtension = 0;
    private const int EncryptedHelloExtension = 0xfe0d;

    /// <summary>Reads a hello from the beginning of a connection.</summary>
    public static ClientHello Read(ReadOnlySpan<byte> bytes)
    {
        var message = new byte[Math.Min(bytes.Length, MaxBytes)];
        var length = 0;
        for (var rest = bytes; rest.Length > 0;)
        {
            if (rest[0] != HandshakeRecord || (rest.Length > 1 && rest[1] != 3)) return new(length == 0 ? HelloState.NotTls : HelloState.Malformed);
            if (rest.Length < RecordHeader) break;
            int size = BinaryPrimitives.ReadUInt16BigEndian(rest[3..]);
            // A record without a byte of the message says nothing and could go on for ever.
            if (size is 0 or > MaxRecord) return new(HelloState.Malformed);
            var part = rest.Slice(RecordHeader, Math.Min(size, rest.Length - RecordHeader));
            if (length + part.Length > message.Length) return new(HelloState.TooLong);
            part.CopyTo(message.AsSpan(length));
            length += part.Length;
            if (length > 0 && message[0] != HelloMessage) return new(HelloState.Malformed);
            if (length >= MessageHeader)
            {
                var whole = MessageHeader + ((message[1] << 16) | (message[2] << 8) | message[3]);
                if (whole > MaxBytes) return new(HelloState.TooLong);
                if (length >= whole) return ReadMessage(message.AsSpan(MessageHeader, whole - MessageHeader));
            }
            if (rest.Length < RecordHeader + size) break;
            rest = rest[(RecordHeader + size)..];
        }
        return new(bytes.Length >= MaxBytes ? HelloState.TooLong : HelloState.Incomplete);
    }

    private static ClientHello ReadMessage(ReadOnlySpan<byte> message)
    {
        var fields = new Fields(message);
        // legacy_version and random, legacy_session_id, cipher_suites, legacy_compression_methods.
        if (!fields.Skip(2 + 32) || !fields.TryTake(1, out var session) || session.Length > 32 || !fields.TryTake(2, out var suites) || suites.Length < 2 || suites.Length % 2 != 0) return new(HelloState.Malformed);
        if (!fields.TryTake(1, out var compression) || compression.IsEmpty) return new(HelloState.Malformed);
        // TLS 1.2 and older may leave the extensions out (RFC 5246 section 7.4.1.2).
        if (fields.IsEmpty) return new(HelloState.Complete);
        if (!fields.TryTake(2, out var extensions) || !fields.IsEmpty) return new(HelloState.Malformed);
        return ReadExtensions(extensions);
    }

    private static ClientHello ReadExtensions(ReadOnlySpan<byte> extensions)
    {
        string? name = null;
        var encrypted = false;
        for (var fields = new Fields(extensions); !fields.IsEmpty;)
        {
            if (!fields.TryReadNumber(out var type) || !fields.TryTake(2, out var content)) return new(HelloState.Malformed);
            if (type == EncryptedHelloExtension) encrypted = true;
            if (type != ServerNameExtension) continue;
            // A second one of a type is not allowed (RFC 8446 section 4.2): whoever is behind us could take the other.
            if (name is not null || !TryReadName(content, out name)) return new(HelloState.Malformed);
        }
        return new(HelloState.Complete, name, encrypted);
    }

    // One name: other types were never defined, and no two of one type are allowed.
    private static bool TryReadName(ReadOnlySpan<byte> content, out string? name)
    {
        name = null;
        var outer = new Fields(content);
        if (!outer.TryTake(2, out var list) || !outer.IsEmpty || list.IsEmpty || list[0] != 0) return false;
        var entry = new Fields(list[1..]);
        if (!entry.TryTake(2, out var text) || !entry.IsEmpty || text.Length is 0 or > 255) return false;
        foreach (var b in text)
        {
            if (!char.IsAsciiLetterOrDigit((char)b) && b is not ((byte)'.' or (byte)'-' or (byte)'_')) return false;
        }
        // With a final dot it would be another text for the same name.
        if (text[^1] == '.') return false;
        name = Encoding.ASCII.GetString(text).ToLowerInvariant();
        return true;
    }

    /// <summary>Takes fields from the front; false where there is less than a field says.</summary>
    private ref struct Fields(ReadOnlySpan<byte> bytes)
    {
        private ReadOnlySpan<byte> _rest = bytes;

        public readonly bool IsEmpty => _rest.IsEmpty;

        public bool Skip(int count)
        {
            if (_rest.Length < count) return false;
            _rest = _rest[count..];
            return true;
        }

        public bool TryReadNumber(out int number)
        {
            number = 0;
            if (_rest.Length < 2) return false;
            number = BinaryPrimitives.ReadUInt16BigEndian(_rest);
            _rest = _rest[2..];
            return true;
        }

        /// <summary>A vector whose length stands before it in one or two bytes.</summary>
        public bool TryTake(int lengthBytes, out ReadOnlySpan<byte> content)
        {
            content = default;
            if (_rest.Length < lengthBytes) return false;
            int length = lengthBytes == 1 ? _rest[0] : BinaryPrimitives.ReadUInt16BigEndian(_rest);
            if (_rest.Length - lengthBytes < length) return false;
            content = _rest.Slice(lengthBytes, length);
            _rest = _rest[(lengthBytes + length)..];
            return true;
        }
    }
}
