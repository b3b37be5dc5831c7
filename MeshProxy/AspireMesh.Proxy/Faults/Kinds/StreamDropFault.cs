using System.Runtime.CompilerServices;
using AspireMesh.Protocol.Faults;
using AspireMesh.Proxy.Faults.Bytes;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Faults.Kinds;

/// <summary>Message <see cref="Fault.Message"/> of a gRPC stream or WebSocket is lost; those around it come. Reads <see cref="Fault.Direction"/>.</summary>
internal sealed class StreamDropFault(Fault fault) : IByteFault
{
    public string Direction => fault.Direction;

    public bool ChangesLength => true;

    public bool AppliesTo(HttpRequest? request) => MessageFraming.Of(request) != MessageFraming.None;

    public async IAsyncEnumerable<ReadOnlyMemory<byte>> Shape(IAsyncEnumerable<ReadOnlyMemory<byte>> bytes, ByteFlow flow, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (var segment in new MessageCutter(flow.Framing).CutAsync(bytes, cancellation))
            if (segment.Message != Math.Max(1, fault.Message)) yield return segment.Bytes;
    }
}
