using System.Runtime.CompilerServices;
using AspireMesh.Protocol.Faults;
using AspireMesh.Proxy.Faults.Bytes;

namespace AspireMesh.Proxy.Faults.Kinds;

/// <summary>One direction ends in order after <see cref="Fault.Bytes"/> bytes while the other goes on: what came looks whole and is not. Reads <see cref="Fault.Direction"/>.</summary>
internal sealed class HalfCloseFault(Fault fault) : IByteFault
{
    public string Direction => fault.Direction;

    public bool ChangesLength => true;

    public async IAsyncEnumerable<ReadOnlyMemory<byte>> Shape(IAsyncEnumerable<ReadOnlyMemory<byte>> bytes, ByteFlow flow, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var left = fault.Bytes;
        if (left <= 0) yield break;
        await foreach (var piece in bytes.WithCancellation(cancellation))
        {
            var count = (int)Math.Min(left, piece.Length);
            yield return piece[..count];
            left -= count;
            if (left == 0) yield break;
        }
    }
}
