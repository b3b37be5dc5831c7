using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace AspireMesh.Protocol.Policies;

/// <summary>What a rule does with what it matches.</summary>
public enum AuthorizationAction
{
    /// <summary>Lets it in. Where a workload has any Allow rule for an endpoint, what none matches is refused.</summary>
    Allow,

    /// <summary>Refuses it, whatever Allow rules say.</summary>
    Deny,

    /// <summary>Logs and counts what it would refuse, and lets the other rules decide.</summary>
    Audit,
}

/// <summary>
/// Who may do what. Every non-empty part must hold. Order of evaluation: Deny, then Allow, then refused (Istio's precedence).
/// The control plane adds one Allow rule per reference; rules of the user's narrow or widen that list: an Allow rule that names a caller together with
/// requests or claims stands in place of that caller's reference rule.
/// </summary>
public sealed record AuthorizationRule
{
    /// <summary>Shows in metrics and logs as the rule that decided.</summary>
    public required string Name { get; init; }

    /// <summary>What happens.</summary>
    public AuthorizationAction Action { get; init; }

    /// <summary>
    /// Callers by SPIFFE ID; a workload's bare name is completed by the control plane. Empty for any authenticated caller. A plaintext caller of a permissive mesh, whom
    /// nobody knows, is refused by every Deny rule, counted by every Audit rule, and let in where no Allow rule looks at more than who calls.
    /// </summary>
    public ImmutableArray<string> Callers { get; init; } = [];

    /// <summary>Endpoints of this workload; empty for all.</summary>
    public ImmutableArray<string> Endpoints { get; init; } = [];

    /// <summary>Requests (L7); empty for any. A rule with these makes the endpoint's inbound side work on requests.</summary>
    public ImmutableArray<RouteMatch> Requests { get; init; } = [];

    /// <summary>Claims of a validated token that must all match; needs a <see cref="JwtPolicy"/>.</summary>
    public ImmutableArray<NamedMatch> Claims { get; init; } = [];

    /// <summary>Whether it looks at more than who calls: it cannot be judged on a connection alone.</summary>
    [JsonIgnore]
    public bool NeedsRequest => Requests.Length > 0 || Claims.Length > 0;
}

/// <summary>Token validation (RFC 7519, RFC 8725).</summary>
public sealed record JwtPolicy
{
    /// <summary>The <c>iss</c> that is accepted.</summary>
    public required string Issuer { get; init; }

    /// <summary>Any of these in <c>aud</c>; empty accepts any audience.</summary>
    public ImmutableArray<string> Audiences { get; init; } = [];

    /// <summary>Where the signing keys are fetched; null when <see cref="Jwks"/> is given.</summary>
    public string? JwksUri { get; init; }

    /// <summary>Signing keys, as JSON; null when <see cref="JwksUri"/> is given.</summary>
    public string? Jwks { get; init; }

    /// <summary>How often keys are fetched anew. Default 10 min; an unknown <c>kid</c> also fetches, at most every 30 s, and while there are no keys at all every second.</summary>
    public TimeSpan Refresh { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Allowed difference of clocks. Default 30 s.</summary>
    public TimeSpan ClockSkew { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Whether a request without a token is refused (401). Default true.</summary>
    public bool Required { get; init; } = true;
}

/// <summary>A token bucket.</summary>
public sealed record RateLimitPolicy
{
    /// <summary>Shows in metrics.</summary>
    public required string Name { get; init; }

    /// <summary>Requests per second on average.</summary>
    public required double PerSecond { get; init; }

    /// <summary>Requests at once after a pause. Default: one second's worth, at least 1.</summary>
    public int Burst { get; init; }

    /// <summary>What gets a bucket of its own. Default: one bucket for all.</summary>
    public RateLimitKey Key { get; init; }

    /// <summary>The header for <see cref="RateLimitKey.Header"/>.</summary>
    public string? Header { get; init; }

    /// <summary>Which requests; empty for all.</summary>
    public ImmutableArray<RouteMatch> Matches { get; init; } = [];
}

/// <summary>What a rate limit counts apart.</summary>
public enum RateLimitKey
{
    /// <summary>Nothing: one bucket.</summary>
    None,

    /// <summary>The caller's identity.</summary>
    Caller,

    /// <summary>The value of a header.</summary>
    Header,
}

/// <summary>
/// Refuses early what would only wait (after Netflix's gradient limits): keeps latency flat under overload. A stream (server-sent events, WebSocket, gRPC) counts until its
/// response has begun.
/// </summary>
public sealed record LoadSheddingPolicy
{
    /// <summary>Requests always admitted at once. Default 20.</summary>
    public int MinConcurrency { get; init; } = 20;

    /// <summary>Requests never exceeded at once. Default 1000.</summary>
    public int MaxConcurrency { get; init; } = 1000;

    /// <summary>Latency growth over the long-term minimum that is still fine, at least 1. Default 2.</summary>
    public double Tolerance { get; init; } = 2;
}
