using AspireMesh.Protocol.Faults;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Faults.Kinds;

/// <summary>
/// Two requests with one idempotency key: each request that the fault hits carries the key of the first that it hit, so the callee takes another order for a repetition of that one.
/// The header is <see cref="Fault.Name"/>, <c>Idempotency-Key</c> where it is not set; a request without it is none of this fault's.
/// </summary>
internal sealed class KeyCollisionFault(Fault fault) : IExchangeFault
{
    private readonly string _header = fault.Name ?? "Idempotency-Key";
    private string? _first;

    public bool AppliesTo(HttpRequest? request) => request is not null && request.Headers.ContainsKey(_header);

    public Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, Func<HttpRequestMessage, CancellationToken, Task<HttpResponseMessage>> next, CancellationToken cancellation)
    {
        if (request.Headers.NonValidated.TryGetValues(_header, out var values))
        {
            var own = values.ToString();
            var key = Interlocked.CompareExchange(ref _first, own, null) ?? own;
            request.Headers.Remove(_header);
            request.Headers.TryAddWithoutValidation(_header, key);
        }

        return next(request, cancellation);
    }
}
