using System.Runtime.CompilerServices;
using AspireMesh.Protocol.Faults;
using AspireMesh.Proxy.Faults.Bytes;

namespace AspireMesh.Proxy.Faults.Kinds;

/// <summary>Turns one byte over: the one at the offset <see cref="Fault.Bytes"/>, the first by default. Reads <see cref="Fault.Direction"/>.</summary>
internal sealed class CorruptFault(Fault fault) : IByteFault
{
    public string Direction => fault.Direction;

    public async IAsyncEnumerable<ReadOnlyMemory<byte>> Shape(IAsyncEnumerable<ReadOnlyMemory<byte>> bytes, ByteFlow flow, [EnumeratorCancellation] CancellationToken cancellation)
    {
        long seen = 0;
        await foreach (var piece in bytes.WithCancellation(cancellation))
        {
            var at = fault.Bytes - seen;
            seen += piece.Length;
            if (at < 0 || at >= piece.Length)
            {
                yield return piece;
                continue;
            }

            var copy = piece.ToArray();
            copy[at] ^= 0xff;
            yield return copy;
        }
    }
}
