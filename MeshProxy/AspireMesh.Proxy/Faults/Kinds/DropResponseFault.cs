using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Faults.Kinds;

/// <summary>The destination does the work, and its answer is lost: the connection breaks in place of it.</summary>
internal sealed class DropResponseFault : IExchangeFault
{
    public bool AppliesTo(HttpRequest? request) => request is not null;

    public async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, Func<HttpRequestMessage, CancellationToken, Task<HttpResponseMessage>> next, CancellationToken cancellation)
    {
        (await next(request, cancellation)).Dispose();
        throw new HttpRequestException("a fault dropped the response", new FaultBreakException("a fault dropped the response"));
    }
}
