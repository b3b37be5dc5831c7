using System.Text.Json;
using AspireMesh.Protocol.Diagnostics;

namespace AspireMesh.Protocol.Policies;

/// <summary>The range of every value of the callee's policies. Used by the control plane on a model and by a sidecar on a snapshot.</summary>
public static class InboundPolicyChecks
{
    /// <summary>Checks token validation.</summary>
    public static void Check(JwtPolicy? policy, string subject, ProblemList problems)
    {
        if (policy is null) return;
        if (string.IsNullOrWhiteSpace(policy.Issuer)) problems.Add(MeshDiagnostics.JwtWithoutKeys, $"{subject}: the JWT policy has no issuer. Set Issuer to the token's 'iss'.");
        if (policy.JwksUri is null == policy.Jwks is null)
        {
            problems.Add(MeshDiagnostics.JwtWithoutKeys, $"{subject}: the JWT policy needs its keys from exactly one place. Set either JwksUri or Jwks.");
        }
        if (policy.JwksUri is { } text && !IsKeyAddress(text))
        {
            problems.Add(MeshDiagnostics.JwtWithoutKeys, $"{subject}: JwksUri '{text}' cannot be used. Write an https URL (http is taken on loopback only).");
        }
        if (policy.Jwks is { } keys && !IsKeySet(keys))
        {
            problems.Add(MeshDiagnostics.JwtWithoutKeys, $"{subject}: Jwks is no JSON object with at least one key in 'keys'. Paste the issuer's JWKS document.");
        }
        problems.Range(subject, "Jwt.Refresh", policy.Refresh, TimeSpan.FromSeconds(1), TimeSpan.FromDays(7));
        problems.Range(subject, "Jwt.ClockSkew", policy.ClockSkew, TimeSpan.Zero, TimeSpan.FromMinutes(10));
    }

    /// <summary>Checks rate limits.</summary>
    public static void Check(IEnumerable<RateLimitPolicy> policies, string subject, ProblemList problems)
    {
        var names = new HashSet<string>();
        foreach (var policy in policies)
        {
            var limit = $"{subject}, rate limit '{policy.Name}'";
            if (string.IsNullOrWhiteSpace(policy.Name)) problems.Add(MeshDiagnostics.BadName, $"{subject}: a rate limit without a name. Give it one: it shows in metrics.");
            else if (!names.Add(policy.Name)) problems.Add(MeshDiagnostics.DuplicateName, $"{limit}: the name is there twice. Rename one.");
            problems.Defined(limit, "Key", policy.Key);
            problems.Range(limit, "PerSecond", policy.PerSecond, 0.001, 10_000_000);
            problems.Range(limit, "Burst", policy.Burst, 0, 10_000_000);
            if (policy.Key == RateLimitKey.Header && string.IsNullOrWhiteSpace(policy.Header))
            {
                problems.Add(MeshDiagnostics.PoliciesConflict, $"{limit}: it counts by a header without naming it. Set Header.");
            }
            RouteChecks.Check(policy.Matches, limit, problems);
        }
    }

    /// <summary>Checks load shedding.</summary>
    public static void Check(LoadSheddingPolicy? policy, string subject, ProblemList problems)
    {
        if (policy is null) return;
        problems.Range(subject, "LoadShedding.MinConcurrency", policy.MinConcurrency, 1, 1_000_000);
        problems.Range(subject, "LoadShedding.MaxConcurrency", policy.MaxConcurrency, policy.MinConcurrency, 1_000_000);
        problems.Range(subject, "LoadShedding.Tolerance", policy.Tolerance, 1, 100);
    }

    /// <summary>Checks authorization rules, apart from the names they mention.</summary>
    public static void Check(IEnumerable<AuthorizationRule> rules, bool hasJwt, string subject, ProblemList problems)
    {
        foreach (var rule in rules)
        {
            if (string.IsNullOrWhiteSpace(rule.Name)) problems.Add(MeshDiagnostics.BadName, $"{subject}: an authorization rule without a name. Give it one: it shows in metrics.");
            problems.Defined($"{subject}, rule '{rule.Name}'", "Action", rule.Action);
            RouteChecks.Check(rule.Requests, $"{subject}, rule '{rule.Name}'", problems);
            RouteChecks.CheckNamed(rule.Claims, $"{subject}, rule '{rule.Name}', claim", problems);
            if (rule.Claims.Length > 0 && !hasJwt)
            {
                problems.Add(MeshDiagnostics.PoliciesConflict, $"{subject}, rule '{rule.Name}': claims are compared, but no token is validated. Add .WithJwt(…).");
            }
        }
    }

    private static bool IsKeyAddress(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var uri) && (uri.Scheme == Uri.UriSchemeHttps || (uri.Scheme == Uri.UriSchemeHttp && uri.IsLoopback));

    private static bool IsKeySet(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            return document.RootElement.ValueKind == JsonValueKind.Object
                && document.RootElement.TryGetProperty("keys", out var keys)
                && keys.ValueKind == JsonValueKind.Array && keys.GetArrayLength() > 0;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
