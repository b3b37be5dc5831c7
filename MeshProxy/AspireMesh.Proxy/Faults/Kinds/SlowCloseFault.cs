using System.Runtime.CompilerServices;
using AspireMesh.Protocol.Faults;
using AspireMesh.Proxy.Faults.Bytes;

namespace AspireMesh.Proxy.Faults.Kinds;

/// <summary>The end of a direction comes <see cref="Fault.Delay"/> after its last byte. Reads <see cref="Fault.Direction"/>.</summary>
internal sealed class SlowCloseFault(Fault fault) : IByteFault
{
    public string Direction => fault.Direction;

    /// <summary>An announced length would let the reader see the end before the end.</summary>
    public bool ChangesLength => true;

    public async IAsyncEnumerable<ReadOnlyMemory<byte>> Shape(IAsyncEnumerable<ReadOnlyMemory<byte>> bytes, ByteFlow flow, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (var piece in bytes.WithCancellation(cancellation)) yield return piece;
        await Task.Delay(fault.Delay, flow.Time, cancellation);
    }
}
