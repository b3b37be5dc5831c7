using System.Runtime.CompilerServices;
using AspireMesh.Protocol.Faults;
using AspireMesh.Proxy.Faults.Bytes;

namespace AspireMesh.Proxy.Faults.Kinds;

/// <summary>Bytes come in slices of <see cref="Fault.Bytes"/>, with <see cref="Fault.Delay"/> between them: what readers that take one read for one message trip over. Reads <see cref="Fault.Direction"/>.</summary>
internal sealed class SlicerFault(Fault fault) : IByteFault
{
    public string Direction => fault.Direction;

    public async IAsyncEnumerable<ReadOnlyMemory<byte>> Shape(IAsyncEnumerable<ReadOnlyMemory<byte>> bytes, ByteFlow flow, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var size = (int)Math.Clamp(fault.Bytes, 1, int.MaxValue);
        await foreach (var piece in bytes.WithCancellation(cancellation))
        {
            for (var rest = piece; !rest.IsEmpty;)
            {
                var count = Math.Min(size, rest.Length);
                yield return rest[..count];
                rest = rest[count..];
                if (fault.Delay > TimeSpan.Zero) await Task.Delay(fault.Delay, flow.Time, cancellation);
            }
        }
    }
}
