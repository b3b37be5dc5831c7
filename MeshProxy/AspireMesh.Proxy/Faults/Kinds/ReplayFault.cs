using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Faults.Kinds;

/// <summary>The destination gets the request twice, and the caller the second answer: what an idempotency key is for. Not for streams, nor for bodies over 1 MiB or of unknown length.</summary>
internal sealed class ReplayFault : IExchangeFault
{
    private const int Most = 1024 * 1024;

    public bool AppliesTo(HttpRequest? request) =>
        request is not null && !Http.HeaderHygiene.IsUpgrade(request.HttpContext) && !Http.ErrorAnswer.IsGrpc(request)
        && (request.ContentLength ?? (request.Headers.TransferEncoding.Count == 0 ? 0 : long.MaxValue)) <= Most;

    public async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, Func<HttpRequestMessage, CancellationToken, Task<HttpResponseMessage>> next, CancellationToken cancellation)
    {
        byte[]? body = null;
        if (request.Content is { } content)
        {
            var kept = new MemoryStream();
            await content.CopyToAsync(kept, cancellation);
            body = kept.ToArray();
        }

        using (var first = await next(Copy(request, body), cancellation)) await first.Content.CopyToAsync(Stream.Null, cancellation);
        return await next(Copy(request, body), cancellation);
    }

    private static HttpRequestMessage Copy(HttpRequestMessage request, byte[]? body)
    {
        var copy = new HttpRequestMessage(request.Method, request.RequestUri) { Version = request.Version, VersionPolicy = request.VersionPolicy };
        foreach (var (name, values) in request.Headers.NonValidated) copy.Headers.TryAddWithoutValidation(name, values);
        foreach (var (name, value) in request.Options) ((IDictionary<string, object?>)copy.Options)[name] = value;
        if (body is null) return copy;
        copy.Content = new ByteArrayContent(body);
        foreach (var (name, values) in request.Content!.Headers.NonValidated) copy.Content.Headers.TryAddWithoutValidation(name, values);
        return copy;
    }
}
