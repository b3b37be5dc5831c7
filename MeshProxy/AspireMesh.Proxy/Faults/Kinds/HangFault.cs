using System.Runtime.CompilerServices;
using AspireMesh.Proxy.Faults.Bytes;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Faults.Kinds;

/// <summary>The destination takes the request or the connection and never answers; it did get what was sent.</summary>
internal sealed class HangFault(TimeProvider time) : IExchangeFault, IByteFault
{
    public bool Ends => true;

    public string Direction => "response";

    public bool AppliesTo(HttpRequest? request) => true;

    public async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, Func<HttpRequestMessage, CancellationToken, Task<HttpResponseMessage>> next, CancellationToken cancellation)
    {
        (await next(request, cancellation)).Dispose();
        await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellation);
        throw new OperationCanceledException(cancellation);
    }

    /// <summary>Swallows the answer. Its end ends the connection, which comes when the caller gives up.</summary>
    public async IAsyncEnumerable<ReadOnlyMemory<byte>> Shape(IAsyncEnumerable<ReadOnlyMemory<byte>> bytes, ByteFlow flow, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (var _ in bytes.WithCancellation(cancellation)) continue;
        yield break;
    }
}
