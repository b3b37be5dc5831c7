using System.Runtime.CompilerServices;
using AspireMesh.Protocol.Faults;
using AspireMesh.Proxy.Faults.Bytes;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Faults.Kinds;

/// <summary>
/// Message <see cref="Fault.Message"/> of a gRPC stream or WebSocket comes after the one that follows it; at the end of the stream where none follows. One over 1 MiB keeps its place.
/// Reads <see cref="Fault.Direction"/>.
/// </summary>
internal sealed class StreamReorderFault(Fault fault) : IByteFault
{
    public string Direction => fault.Direction;

    public bool AppliesTo(HttpRequest? request) => MessageFraming.Of(request) != MessageFraming.None;

    public async IAsyncEnumerable<ReadOnlyMemory<byte>> Shape(IAsyncEnumerable<ReadOnlyMemory<byte>> bytes, ByteFlow flow, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var late = Math.Max(1, fault.Message);
        var held = new HeldMessage();
        await foreach (var segment in new MessageCutter(flow.Framing).CutAsync(bytes, cancellation))
        {
            if (segment.Message == late)
            {
                if (held.Add(segment.Bytes)) continue;
                // Too much to hold: what was held goes on, and so does the rest.
                if (held.Overflow() is { } kept) yield return kept;
                yield return segment.Bytes;
                continue;
            }

            yield return segment.Bytes;
            if (segment.Message == late + 1 && segment.Ends && held.Take() is { } message) yield return message;
        }

        if (held.Take() is { } last) yield return last;
    }
}
