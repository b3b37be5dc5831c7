using AspireMesh.Proxy.Faults.Bytes;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Faults.Kinds;

/// <summary>The response's trailers are lost; for gRPC that is its status.</summary>
internal sealed class LoseTrailersFault : IByteFault
{
    public string Direction => "response";

    public bool AppliesTo(HttpRequest? request) => request is not null;

    public async IAsyncEnumerable<ReadOnlyMemory<byte>> Shape(IAsyncEnumerable<ReadOnlyMemory<byte>> bytes, ByteFlow flow, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (var piece in bytes.WithCancellation(cancellation)) yield return piece;
        // They came with the end of the body, and are read when this says that it ended.
        flow.Response?.TrailingHeaders.Clear();
    }
}
