namespace AspireMesh.Proxy.Faults.Bytes;

/// <summary>One message of a stream, held back or kept for a second time; not more than 1 MiB of it.</summary>
internal sealed class HeldMessage
{
    private const int Most = 1024 * 1024;

    private MemoryStream? _bytes = new();
    private bool _whole = true;

    /// <summary>Keeps a part; false when the message is too long to be kept.</summary>
    public bool Add(ReadOnlyMemory<byte> part)
    {
        if (_bytes is null || !_whole) return false;
        _whole = _bytes.Length + part.Length <= Most;
        if (_whole) _bytes.Write(part.Span);
        return _whole;
    }

    /// <summary>The message, once; null where there is none, or it was too long.</summary>
    public ReadOnlyMemory<byte>? Take() => _whole ? Overflow() : null;

    /// <summary>What was kept, once, whole or not.</summary>
    public ReadOnlyMemory<byte>? Overflow()
    {
        var bytes = _bytes;
        _bytes = null;
        return bytes is { Length: > 0 } ? bytes.ToArray() : null;
    }
}
