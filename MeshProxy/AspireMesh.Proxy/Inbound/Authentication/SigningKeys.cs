using AspireMesh.Protocol.Policies;
using AspireMesh.Proxy.Http;
using Microsoft.IdentityModel.Tokens;

namespace AspireMesh.Proxy.Inbound.Authentication;

/// <summary>
/// The keys an issuer signs with: given, or fetched (RFC 7517). Fetched keys are used on while newer ones are being got, so an issuer that is away for a
/// moment refuses nobody; an unknown key id fetches at once, but never more often than every 30 s.
/// </summary>
internal sealed class SigningKeys(JwtPolicy policy, TimeProvider time, HttpMessageInvoker http)
{
    private const int MaxBytes = 1024 * 1024;
    private static readonly TimeSpan s_betweenFetches = TimeSpan.FromSeconds(30);
    private readonly SemaphoreSlim _turn = new(1, 1);
    private volatile IReadOnlyList<SecurityKey> _keys = policy.Jwks is null ? [] : Read(policy.Jwks);
    private long _fetchedAt = time.GetTimestamp();
    private volatile bool _fetched;

    /// <summary>The keys, fetched anew when they are older than the policy says; empty when they could never be had.</summary>
    /// <param name="unknownKey">A token named a key that is not among them.</param>
    /// <param name="cancellation">The request.</param>
    public async ValueTask<IReadOnlyList<SecurityKey>> GetAsync(bool unknownKey, CancellationToken cancellation)
    {
        if (policy.JwksUri is null || !IsStale(unknownKey)) return _keys;
        // Only the first one waits, and only while there are no keys at all; the others go on with what there is.
        if (_keys.Count > 0 && !unknownKey && _turn.CurrentCount == 0) return _keys;
        await _turn.WaitAsync(cancellation);
        try
        {
            if (IsStale(unknownKey)) await FetchAsync(policy.JwksUri, cancellation);
        }
        finally
        {
            _turn.Release();
        }

        return _keys;
    }

    /// <summary>Reads a key set; used to check a snapshot as well.</summary>
    /// <exception cref="ArgumentException">It is no JSON Web Key Set.</exception>
    public static IReadOnlyList<SecurityKey> Read(string jwks) => [.. new JsonWebKeySet(jwks).GetSigningKeys()];

    private bool IsStale(bool unknownKey)
    {
        if (!_fetched) return true;
        return time.GetElapsedTime(Volatile.Read(ref _fetchedAt)) >= (unknownKey || _keys.Count == 0 ? s_betweenFetches : policy.Refresh);
    }

    private async Task FetchAsync(string uri, CancellationToken cancellation)
    {
        // Before the answer: a failure counts as a fetch too, or an issuer that is down would be asked by every request.
        Volatile.Write(ref _fetchedAt, time.GetTimestamp());
        _fetched = true;
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5), time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, uri);
            using var response = await http.SendAsync(request, either.Token);
            if (!response.IsSuccessStatusCode) return;
            await response.Content.LoadIntoBufferAsync(MaxBytes, either.Token);
            var keys = Read(await response.Content.ReadAsStringAsync(either.Token));
            if (keys.Count > 0) _keys = keys;
        }
        catch (Exception e) when (e is HttpRequestException or ArgumentException or OperationCanceledException && !cancellation.IsCancellationRequested)
        {
            // The old keys stay in use; without any, every token is refused and the answer says that the keys could not be had.
            return;
        }
    }
}
