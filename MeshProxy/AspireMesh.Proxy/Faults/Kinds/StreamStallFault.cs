using System.Runtime.CompilerServices;
using AspireMesh.Protocol.Faults;
using AspireMesh.Proxy.Faults.Bytes;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Faults.Kinds;

/// <summary>A gRPC stream or WebSocket stands still before message <see cref="Fault.Message"/>: for <see cref="Fault.Delay"/>, or for good where that is not set. Reads <see cref="Fault.Direction"/>.</summary>
internal sealed class StreamStallFault(Fault fault) : IByteFault
{
    public string Direction => fault.Direction;

    public bool AppliesTo(HttpRequest? request) => MessageFraming.Of(request) != MessageFraming.None;

    public async IAsyncEnumerable<ReadOnlyMemory<byte>> Shape(IAsyncEnumerable<ReadOnlyMemory<byte>> bytes, ByteFlow flow, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (var segment in new MessageCutter(flow.Framing).CutAsync(bytes, cancellation))
        {
            if (segment.Starts && segment.Message == Math.Max(1, fault.Message)) await Task.Delay(fault.Delay > TimeSpan.Zero ? fault.Delay : Timeout.InfiniteTimeSpan, flow.Time, cancellation);
            yield return segment.Bytes;
        }
    }
}
