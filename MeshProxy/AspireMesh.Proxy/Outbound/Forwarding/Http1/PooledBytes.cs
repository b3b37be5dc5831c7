using System.Buffers;

namespace AspireMesh.Proxy.Outbound.Forwarding.Http1;

/// <summary>Bytes between a writer and a reader in one array of the shared pool; holds none while it is empty and let go.</summary>
internal struct PooledBytes
{
    private const int Smallest = 8 * 1024;

    private byte[]? _bytes;
    private int _start;
    private int _end;

    public readonly int Length => _end - _start;

    public readonly ReadOnlySpan<byte> Span => _bytes.AsSpan(_start, _end - _start);

    public readonly ReadOnlyMemory<byte> Memory => _bytes.AsMemory(_start, _end - _start);

    /// <summary>Room behind what is there.</summary>
    /// <param name="least">How much at the least.</param>
    public Memory<byte> Room(int least)
    {
        if (_start == _end) (_start, _end) = (0, 0);
        if (_bytes is null || _bytes.Length - _end < least) Enlarge(least);
        return _bytes.AsMemory(_end);
    }

    /// <summary>So much of the room is used now.</summary>
    public void Add(int count) => _end += count;

    /// <summary>So much was taken from the front.</summary>
    public void Take(int count) => _start += count;

    /// <summary>Gives the array back.</summary>
    public void LetGo()
    {
        if (_bytes is not null) ArrayPool<byte>.Shared.Return(_bytes);
        this = default;
    }

    private void Enlarge(int least)
    {
        var length = Length;
        // Only moved to the front where that gives half of it free, so that moving stays rare.
        var moves = _bytes is not null && length + least <= _bytes.Length && length <= _bytes.Length / 2;
        var larger = moves ? _bytes! : ArrayPool<byte>.Shared.Rent(Math.Max(Smallest, Math.Max(length * 2, length + least)));
        Span.CopyTo(larger);
        if (!moves && _bytes is not null) ArrayPool<byte>.Shared.Return(_bytes);
        (_bytes, _start, _end) = (larger, 0, length);
    }
}
