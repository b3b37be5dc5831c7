using System.Runtime.CompilerServices;
using AspireMesh.Protocol.Faults;
using AspireMesh.Proxy.Faults.Bytes;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Faults.Kinds;

/// <summary>Message <see cref="Fault.Message"/> of a gRPC stream or WebSocket comes twice, one after the other. One over 1 MiB comes once: it is not kept. Reads <see cref="Fault.Direction"/>.</summary>
internal sealed class StreamDuplicateFault(Fault fault) : IByteFault
{
    public string Direction => fault.Direction;

    public bool ChangesLength => true;

    public bool AppliesTo(HttpRequest? request) => MessageFraming.Of(request) != MessageFraming.None;

    public async IAsyncEnumerable<ReadOnlyMemory<byte>> Shape(IAsyncEnumerable<ReadOnlyMemory<byte>> bytes, ByteFlow flow, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var held = new HeldMessage();
        await foreach (var segment in new MessageCutter(flow.Framing).CutAsync(bytes, cancellation))
        {
            yield return segment.Bytes;
            if (segment.Message != Math.Max(1, fault.Message)) continue;
            held.Add(segment.Bytes);
            if (segment.Ends && held.Take() is { } again) yield return again;
        }
    }
}
