using System.Runtime.CompilerServices;
using AspireMesh.Protocol.Faults;
using AspireMesh.Proxy.Faults.Bytes;

namespace AspireMesh.Proxy.Faults.Kinds;

/// <summary>Breaks off after <see cref="Fault.Bytes"/> bytes: the reader sees a cut message, never a whole one. Reads <see cref="Fault.Direction"/>. Both <c>truncate</c> and <c>byte-limit</c> are this.</summary>
internal sealed class CutFault(Fault fault) : IByteFault
{
    public string Direction => fault.Direction;

    public async IAsyncEnumerable<ReadOnlyMemory<byte>> Shape(IAsyncEnumerable<ReadOnlyMemory<byte>> bytes, ByteFlow flow, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var left = fault.Bytes;
        await foreach (var piece in bytes.WithCancellation(cancellation))
        {
            var count = (int)Math.Min(left, piece.Length);
            if (count > 0) yield return piece[..count];
            left -= count;
            if (count < piece.Length) throw new FaultBreakException($"a fault broke off after {fault.Bytes} bytes");
        }
    }
}
