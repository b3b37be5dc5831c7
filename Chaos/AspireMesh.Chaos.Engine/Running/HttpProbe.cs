using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using AspireMesh.Chaos.Documents;

namespace AspireMesh.Chaos.Running;

/// <summary>Asks an address and compares the answer with what is tolerated.</summary>
internal sealed class HttpProbe(ISurroundings surroundings) : IDisposable
{
    private static readonly TimeSpan ProbePatience = TimeSpan.FromSeconds(30);

    // A connection of its own per call would measure the handshake; one that is kept too long would miss a process that was replaced.
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, PooledConnectionIdleTimeout = TimeSpan.FromSeconds(5) }) { Timeout = Timeout.InfiniteTimeSpan };

    /// <summary>Where a document's address is.</summary>
    public Uri Address(string url, string? resource, string? endpoint) => resource is null ? new Uri(url) : new Uri(surroundings.Locate(resource, endpoint), url);

    /// <summary>One call of a load.</summary>
    public async Task<bool> CallAsync(LoadDocument load, Uri address, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(new HttpMethod(load.Method), address);
        if (load.Body is not null) request.Content = new StringContent(load.Body, Encoding.UTF8, load.ContentType);
        foreach (var (name, value) in load.Headers) request.Headers.TryAddWithoutValidation(name, value);
        return (await SendAsync(request, load.Expect, load.Timeout, cancellationToken).ConfigureAwait(false)).Holds;
    }

    /// <summary>One probe.</summary>
    public async Task<(bool Holds, string Found)> AskAsync(ClaimDocument claim, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, Address(claim.Url ?? "/", claim.Resource, null));
        try
        {
            return await SendAsync(request, claim.Expect, ProbePatience, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is HttpRequestException or IOException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return (false, e is OperationCanceledException ? $"no answer in {ProbePatience.TotalSeconds:0} s" : e.Message);
        }
    }

    public void Dispose() => _http.Dispose();

    private async Task<(bool Holds, string Found)> SendAsync(HttpRequestMessage request, Tolerance expect, TimeSpan patience, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(patience);
        using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token).ConfigureAwait(false);
        var body = await response.Content.ReadAsStringAsync(limit.Token).ConfigureAwait(false);
        return Compare((int)response.StatusCode, body, expect);
    }

    internal static (bool Holds, string Found) Compare(int status, string body, Tolerance expect)
    {
        if (!StatusRanges.Contains(expect.Status, status)) return (false, string.Create(CultureInfo.InvariantCulture, $"status {status}"));
        if (expect.BodyMatches is { } pattern && !Regex.IsMatch(body, pattern, RegexOptions.NonBacktracking)) return (false, $"status {status}, body {Shortened(body)}");
        if (expect.JsonPath is not { } path) return (true, string.Create(CultureInfo.InvariantCulture, $"status {status}"));
        var value = Value(body, path);
        if (value is null) return (false, $"no {path} in {Shortened(body)}");
        if (expect.JsonValue is { } text && text != value) return (false, $"{path} is {value}");
        var number = double.TryParse(value, CultureInfo.InvariantCulture, out var n) ? n : double.NaN;
        var holds = (expect.JsonAtLeast is not { } least || number >= least) && (expect.JsonAtMost is not { } most || number <= most);
        return (holds, $"{path} is {value}");
    }

    private static string? Value(string body, string path)
    {
        try
        {
            var node = JsonNode.Parse(body);
            foreach (var part in path.Split('.'))
            {
                node = node switch
                {
                    JsonArray array when int.TryParse(part, CultureInfo.InvariantCulture, out var index) && index >= 0 && index < array.Count => array[index],
                    JsonObject found => found[part],
                    _ => null,
                };
            }
            return node?.ToString();
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string Shortened(string body) => body.Length > 80 ? body[..80] + "…" : body;
}
