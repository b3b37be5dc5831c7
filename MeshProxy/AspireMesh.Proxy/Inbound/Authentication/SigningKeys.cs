using System.Text;
using AspireMesh.Protocol.Policies;
using Microsoft.IdentityModel.Tokens;

namespace AspireMesh.Proxy.Inbound.Authentication;

/// <summary>
/// The keys an issuer signs with: given, or fetched (RFC 7517). Fetched keys are used on while newer ones are being got, so an issuer that is away for a
/// moment refuses nobody; an unknown key id fetches at once, but never more often than every 30 s, and without any keys every second may be the one in which
/// the issuer comes up. A fetch belongs to nobody: a caller that leaves stops waiting for it and nothing else.
/// </summary>
internal sealed class SigningKeys(JwtPolicy policy, TimeProvider time, HttpMessageInvoker http)
{
    private const int MaxBytes = 1024 * 1024;
    private static readonly TimeSpan s_betweenFetches = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_withoutKeys = TimeSpan.FromSeconds(1);
    private readonly Lock _turn = new();
    private volatile IReadOnlyList<SecurityKey> _keys = policy.Jwks is null ? [] : Read(policy.Jwks);
    private Task _fetch = Task.CompletedTask;
    private long _fetchedAt;
    private bool _fetched;

    /// <summary>The keys, fetched anew when they are older than the policy says; empty when they could never be had.</summary>
    /// <param name="unknownKey">A token named a key that is not among them.</param>
    /// <param name="cancellation">The request.</param>
    public async ValueTask<IReadOnlyList<SecurityKey>> GetAsync(bool unknownKey, CancellationToken cancellation)
    {
        if (policy.JwksUri is not { } uri) return _keys;
        Task fetch;
        lock (_turn)
        {
            var isRunning = !_fetch.IsCompleted;
            if (!isRunning && !IsStale(unknownKey)) return _keys;
            // Only the first one waits, or who has no key to be judged with; the others go on with what there is.
            if (isRunning && _keys.Count > 0 && !unknownKey) return _keys;
            if (!isRunning)
            {
                // When it begins, not when it ends: a failure counts as a fetch too, or an issuer that is down would be asked by every request.
                (_fetched, _fetchedAt) = (true, time.GetTimestamp());
                _fetch = Task.Run(() => FetchAsync(uri), CancellationToken.None);
            }
            fetch = _fetch;
        }

        await fetch.WaitAsync(cancellation);
        return _keys;
    }

    /// <summary>Reads a key set; used to check a snapshot as well.</summary>
    /// <exception cref="ArgumentException">It is no JSON Web Key Set.</exception>
    public static IReadOnlyList<SecurityKey> Read(string jwks) => [.. new JsonWebKeySet(jwks).GetSigningKeys()];

    private bool IsStale(bool unknownKey) => !_fetched || time.GetElapsedTime(_fetchedAt) >= (_keys.Count == 0 ? s_withoutKeys : unknownKey ? s_betweenFetches : policy.Refresh);

    private async Task FetchAsync(string uri)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5), time);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, uri);
            using var response = await http.SendAsync(request, limit.Token);
            if (!response.IsSuccessStatusCode) return;
            await response.Content.LoadIntoBufferAsync(MaxBytes, limit.Token);
            // JSON is UTF-8 (RFC 8259 8.1), whatever the header says of a charset.
            var keys = Read(Encoding.UTF8.GetString(await response.Content.ReadAsByteArrayAsync(limit.Token)));
            if (keys.Count > 0) _keys = keys;
        }
        catch (Exception e) when (e is HttpRequestException or IOException or ArgumentException or OperationCanceledException or ObjectDisposedException)
        {
            // The old keys stay in use; without any, every token is refused and the answer says that the keys could not be had.
            return;
        }
    }
}
