using System.Collections.Immutable;
using AspireMesh.Protocol.Policies;

namespace AspireMesh.TestKit;

/// <summary>Policies in which every part is there and every value is a good one.</summary>
public static class FullPolicies
{
    private static readonly ImmutableDictionary<string, string> Header = ImmutableDictionary<string, string>.Empty.Add("x-a", "1");

    /// <summary>An EC key (the example of RFC 7515 A.3) as a key set.</summary>
    public const string Keys = """{"keys":[{"kty":"EC","crv":"P-256","kid":"k1","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}""";

    public static RouteMatch Match { get; } = new()
    {
        Path = new StringMatch(StringMatchKind.Prefix, "/a"),
        Host = new StringMatch(StringMatchKind.Exact, "a.test"),
        Methods = ["GET"],
        Headers = [new NamedMatch("x-a", new StringMatch(StringMatchKind.Exact, "1"))],
        Query = [new NamedMatch("q", new StringMatch(StringMatchKind.Exact, "1"))],
        Baggage = [new NamedMatch("b", new StringMatch(StringMatchKind.Exact, "1"))],
    };

    public static TimeoutPolicy Timeouts { get; } = new() { PerTry = TimeSpan.FromSeconds(1) };

    public static RetryPolicy Retry { get; } = new() { StatusCodes = [429], GrpcCodes = [14] };

    public static HedgingPolicy Hedging { get; } = new();

    public static LoadBalancingPolicy LoadBalancing { get; } = new();

    public static HealthCheckPolicy HealthCheck { get; } = new();

    public static OutlierDetectionPolicy OutlierDetection { get; } = new() { LatencyFactor = 2, SuccessRateThreshold = 0.5 };

    public static CircuitBreakerPolicy CircuitBreaker { get; } = new();

    public static ConcurrencyPolicy Limits { get; } = new() { MaxConnections = 1, MaxConcurrentRequests = 1, MaxPendingRequests = 1 };

    public static RedirectAction Redirect { get; } = new() { Host = "b.test", Port = 8080, PrefixPath = "/b" };

    public static CorsPolicy Cors { get; } = new() { Origins = ["https://shop.test"], Methods = ["GET"] };

    public static HeaderEdits Edits { get; } = new() { Set = Header };

    public static JwtPolicy Jwt { get; } = new() { Issuer = "https://issuer.test", Jwks = Keys };

    public static RateLimitPolicy RateLimit { get; } = new() { Name = "limit", PerSecond = 1, Burst = 1, Matches = [Match] };

    public static LoadSheddingPolicy LoadShedding { get; } = new();

    public static AuthorizationRule Rule { get; } = new() { Name = "rule", Requests = [Match], Claims = [new NamedMatch("role", new StringMatch(StringMatchKind.Exact, "x"))] };
}
