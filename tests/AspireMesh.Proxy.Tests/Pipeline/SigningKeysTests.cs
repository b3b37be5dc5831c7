using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using AspireMesh.Protocol.Policies;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace AspireMesh.Proxy.Tests.Pipeline;

/// <summary>Fetching an issuer's keys when things go wrong, over real sockets.</summary>
public sealed class SigningKeysTests : IDisposable
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public void Dispose() => _key.Dispose();

    [Fact]
    public async Task A_caller_that_leaves_while_keys_are_fetched_takes_nobody_elses_keys_along()
    {
        var asked = new TaskCompletionSource();
        var answer = new TaskCompletionSource();
        await using var issuer = await TestApp.StartAsync(async c =>
        {
            asked.TrySetResult();
            await answer.Task;
            await c.Response.WriteAsync(Jwks());
        });
        await using var pair = await PairAsync(issuer, TimeProvider.System);
        using var leave = new CancellationTokenSource();
        var first = AskAsync(pair, leave.Token);
        await asked.Task;
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        await Pairs.RecordedEvents.EventuallyAsync<bool>(() => pair.Pair.CallerEvents.Requests.Count == 1 ? true : null);
        answer.SetResult();
        Assert.Equal(HttpStatusCode.OK, await AskAsync(pair));
        Assert.Single(issuer.Requests);
    }

    [Fact]
    public async Task An_issuer_that_comes_up_later_than_its_first_question_is_asked_again_soon()
    {
        var up = false;
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var issuer = await TestApp.StartAsync(c =>
        {
            c.Response.StatusCode = up ? 200 : 503;
            return c.Response.WriteAsync(up ? Jwks() : "");
        });
        await using var pair = await PairAsync(issuer, time);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await AskAsync(pair));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await AskAsync(pair));
        Assert.Single(issuer.Requests);
        up = true;
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(HttpStatusCode.OK, await AskAsync(pair));
    }

    [Fact]
    public async Task An_issuer_whose_answer_cannot_be_read_is_one_without_keys()
    {
        await using var issuer = await TestApp.StartAsync(c =>
        {
            c.Response.ContentType = "application/json; charset=nonsense";
            return c.Response.WriteAsync("[]");
        });
        await using var pair = await PairAsync(issuer, TimeProvider.System);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await AskAsync(pair));
    }

    private static Task<HttpPair> PairAsync(TestApp issuer, TimeProvider time) => HttpPair.StartAsync(
        c => c.Response.WriteAsync("in"),
        new HttpPairOptions { Time = time }.WithInbound(e => e with { Jwt = new JwtPolicy { Issuer = "i", JwksUri = $"http://{issuer.Address}/jwks" } }));

    private async Task<HttpStatusCode> AskAsync(HttpPair pair, CancellationToken cancellation = default)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "");
        var token = new JsonWebTokenHandler().CreateToken(new SecurityTokenDescriptor { Issuer = "i", Expires = DateTime.UtcNow.AddHours(1), SigningCredentials = new(new ECDsaSecurityKey(_key) { KeyId = "k" }, SecurityAlgorithms.EcdsaSha256) });
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        using var response = await pair.Client.SendAsync(request, cancellation);
        return response.StatusCode;
    }

    private string Jwks()
    {
        var p = _key.ExportParameters(false);
        return $$"""{"keys":[{"kty":"EC","crv":"P-256","kid":"k","x":"{{Base64UrlEncoder.Encode(p.Q.X)}}","y":"{{Base64UrlEncoder.Encode(p.Q.Y)}}"}]}""";
    }
}
