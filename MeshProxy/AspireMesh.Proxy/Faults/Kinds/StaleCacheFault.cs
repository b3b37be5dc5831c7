using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using AspireMesh.Protocol.Faults;
using AspireMesh.Proxy.Faults.Bytes;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Faults.Kinds;

/// <summary>
/// A cache on the way that forgets to ask again: the first answer to a GET is given to the later ones of the same path and query that the fault hits, with its <c>Age</c>, and the destination
/// is not asked. Answers over 1 MiB and statuses other than 200 are not kept; at most 64 are.
/// </summary>
internal sealed class StaleCacheFault(TimeProvider time) : IExchangeFault
{
    private const int Most = 1024 * 1024;
    private const int MostAnswers = 64;

    private readonly ConcurrentDictionary<string, Kept> _kept = new(StringComparer.Ordinal);

    public bool AppliesTo(HttpRequest? request) => request is not null && HttpMethods.IsGet(request.Method) && MessageFraming.Of(request) == MessageFraming.None;

    public async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, Func<HttpRequestMessage, CancellationToken, Task<HttpResponseMessage>> next, CancellationToken cancellation)
    {
        var key = request.RequestUri!.PathAndQuery;
        if (_kept.TryGetValue(key, out var stale)) return Answer(stale, request);
        var response = await next(request, cancellation);
        if (response.StatusCode != HttpStatusCode.OK || response.Content.Headers.ContentLength is null or > Most || _kept.Count >= MostAnswers) return response;
        var kept = new Kept(await response.Content.ReadAsByteArrayAsync(cancellation), [.. response.Headers.NonValidated], [.. response.Content.Headers.NonValidated], response.Version, time.GetTimestamp());
        response.Dispose();
        _kept.TryAdd(key, kept);
        return Answer(kept, request);
    }

    private HttpResponseMessage Answer(Kept kept, HttpRequestMessage request)
    {
        var response = new HttpResponseMessage(HttpStatusCode.OK) { Content = new ByteArrayContent(kept.Body), RequestMessage = request, Version = kept.Version };
        foreach (var (name, values) in kept.Headers) response.Headers.TryAddWithoutValidation(name, values);
        foreach (var (name, values) in kept.ContentHeaders) response.Content.Headers.TryAddWithoutValidation(name, values);
        response.Headers.Remove("Age");
        response.Headers.TryAddWithoutValidation("Age", ((long)time.GetElapsedTime(kept.Since).TotalSeconds).ToString(CultureInfo.InvariantCulture));
        return response;
    }

    private sealed record Kept(byte[] Body, KeyValuePair<string, System.Net.Http.Headers.HeaderStringValues>[] Headers, KeyValuePair<string, System.Net.Http.Headers.HeaderStringValues>[] ContentHeaders, Version Version, long Since);
}
