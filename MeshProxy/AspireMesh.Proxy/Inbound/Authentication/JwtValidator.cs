using AspireMesh.Protocol.Policies;
using AspireMesh.Proxy.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace AspireMesh.Proxy.Inbound.Authentication;

/// <summary>What a token came to: claims, or the answer that refuses it.</summary>
internal readonly record struct JwtResult(IReadOnlyDictionary<string, IReadOnlyList<string>>? Claims, ErrorAnswer? Refusal);

/// <summary>
/// Validates bearer tokens (RFC 7519, RFC 8725): asymmetric algorithms only, one issuer, an audience, signature and lifetime on the sidecar's clock.
/// It never fails open: without keys every token is refused.
/// </summary>
internal sealed class JwtValidator(JwtPolicy policy, TimeProvider time, HttpMessageInvoker http)
{
    // RFC 8725 3.1 and 3.2: "none" and the HMACs have no place where keys are public.
    private static readonly string[] s_algorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"];

    private readonly JsonWebTokenHandler _handler = new() { MapInboundClaims = false };
    private readonly SigningKeys _keys = new(policy, time, http);

    /// <summary>The validator of the same policy is taken over with the keys it has.</summary>
    public static JwtValidator? Compile(JwtPolicy? policy, JwtValidator? previous, TimeProvider time, HttpMessageInvoker http)
    {
        if (policy is null) return null;
        return previous is not null && previous.IsFor(policy) ? previous : new JwtValidator(policy, time, http);
    }

    public async ValueTask<JwtResult> ValidateAsync(HttpContext context)
    {
        var token = Bearer(context.Request.Headers.Authorization);
        if (token is null) return policy.Required ? new JwtResult(null, Refuse("No token was sent.", "Bearer")) : default;
        if (!_handler.CanReadToken(token)) return new JwtResult(null, Refuse("The token cannot be read."));
        var keys = await _keys.GetAsync(unknownKey: false, context.RequestAborted);
        var kid = new JsonWebToken(token).Kid;
        if (kid is { Length: > 0 } && !keys.Any(k => k.KeyId == kid)) keys = await _keys.GetAsync(unknownKey: true, context.RequestAborted);
        if (keys.Count == 0) return new JwtResult(null, new ErrorAnswer(503, ResponseFlags.Unauthorized, $"The keys of the issuer '{policy.Issuer}' could not be had.", $"Check that {policy.JwksUri} answers."));
        var result = await _handler.ValidateTokenAsync(token, Parameters(keys));
        return result.IsValid ? new JwtResult(Claims((JsonWebToken)result.SecurityToken), null) : new JwtResult(null, Refuse(Problem(result.Exception)));
    }

    private TokenValidationParameters Parameters(IReadOnlyList<SecurityKey> keys) => new()
    {
        ValidIssuer = policy.Issuer,
        ValidAudiences = policy.Audiences,
        ValidateAudience = !policy.Audiences.IsEmpty,
        IssuerSigningKeys = keys,
        ValidAlgorithms = s_algorithms,
        RequireSignedTokens = true,
        RequireExpirationTime = true,
        LifetimeValidator = IsAlive,
    };

    private bool IsAlive(DateTime? notBefore, DateTime? expires, SecurityToken token, TokenValidationParameters parameters)
    {
        var now = time.GetUtcNow().UtcDateTime;
        return expires is { } end && now < end + policy.ClockSkew && (notBefore is not { } begin || now >= begin - policy.ClockSkew);
    }

    private static string? Bearer(string? header)
    {
        const string scheme = "Bearer ";
        return header is not null && header.StartsWith(scheme, StringComparison.OrdinalIgnoreCase) ? header[scheme.Length..].Trim() : null;
    }

    /// <summary>By name, each with all its values; scope is split into words, as rules name single scopes (RFC 8693 4.2).</summary>
    private static Dictionary<string, IReadOnlyList<string>> Claims(JsonWebToken token)
    {
        var claims = token.Claims.GroupBy(c => c.Type, StringComparer.Ordinal).ToDictionary(g => g.Key, g => (IReadOnlyList<string>)[.. g.Select(c => c.Value)], StringComparer.Ordinal);
        if (claims.TryGetValue("scope", out var scopes)) claims["scope"] = [.. scopes.SelectMany(s => s.Split(' ', StringSplitOptions.RemoveEmptyEntries))];
        return claims;
    }

    /// <summary>Says which check failed without repeating the token.</summary>
    private string Problem(Exception? exception) => exception switch
    {
        SecurityTokenInvalidLifetimeException or SecurityTokenExpiredException or SecurityTokenNotYetValidException or SecurityTokenNoExpirationException => "The token has expired, or is not valid yet.",
        SecurityTokenInvalidIssuerException => $"The token's issuer is not '{policy.Issuer}'.",
        SecurityTokenInvalidAudienceException => $"The token is for another audience than {string.Join(", ", policy.Audiences)}.",
        _ => "The token's signature cannot be verified.",
    };

    private static ErrorAnswer Refuse(string reason, string challenge = "Bearer error=\"invalid_token\"") =>
        new(401, ResponseFlags.Unauthorized, reason, "Send Authorization: Bearer <token>.") { Challenge = challenge };

    private bool IsFor(JwtPolicy other) =>
        other.Issuer == policy.Issuer && other.JwksUri == policy.JwksUri && other.Jwks == policy.Jwks && other.Refresh == policy.Refresh && other.ClockSkew == policy.ClockSkew
        && other.Required == policy.Required && other.Audiences.SequenceEqual(policy.Audiences);
}
