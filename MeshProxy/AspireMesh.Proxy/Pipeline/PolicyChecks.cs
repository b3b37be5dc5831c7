using System.Collections.Immutable;
using System.Text.RegularExpressions;
using AspireMesh.Protocol.Faults;
using AspireMesh.Protocol.Policies;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Faults;
using AspireMesh.Proxy.Inbound.Authentication;

namespace AspireMesh.Proxy.Pipeline;

/// <summary>
/// What policy values may be. The control plane checks the same before it distributes; a sidecar checks again, because it obeys whoever signs as control
/// plane and must never be left half configured. Every problem is found, with its place.
/// </summary>
internal static class PolicyChecks
{
    public static void Check(MeshSnapshot snapshot, List<string> errors)
    {
        foreach (var listener in snapshot.Outbound)
        {
            CheckRoutes($"outbound listener '{listener.Name}'", listener.Routes, errors);
            CheckTimeouts($"outbound listener '{listener.Name}'", listener.Timeouts, errors);
            if (listener.Limits is { } l && (l.MaxConnections < 0 || l.MaxConcurrentRequests < 0 || l.MaxPendingRequests < 0)) errors.Add($"outbound listener '{listener.Name}': limits must not be negative; 0 means none");
        }

        foreach (var gateway in snapshot.Gateways)
        {
            CheckRoutes($"gateway '{gateway.Name}'", gateway.Routes, errors);
            CheckRateLimits($"gateway '{gateway.Name}'", gateway.RateLimits, errors);
            CheckJwt($"gateway '{gateway.Name}'", gateway.Jwt, errors);
        }

        foreach (var cluster in snapshot.Clusters) ClusterChecks.Check(cluster, errors);
        foreach (var endpoint in snapshot.Inbound.Endpoints) CheckInbound(endpoint, errors);
        foreach (var fault in snapshot.Faults) CheckFault(fault, errors);
    }

    private static void CheckRoutes(string where, ImmutableArray<RouteSnapshot> routes, List<string> errors)
    {
        foreach (var route in routes)
        {
            var place = $"{where}, route '{route.Name}'";
            CheckMatches(place, route.Matches, errors);
            CheckTimeouts(place, route.Timeouts, errors);
            if (route.Clusters.Any(c => c.Weight < 0)) errors.Add($"{place}: a weight is negative");
            if (route.Redirect is null && route.Clusters.All(c => c.Weight <= 0)) errors.Add($"{place}: no leg has a weight above 0");
            if (route.Redirect is { } redirect && redirect.Status is not (301 or 302 or 303 or 307 or 308)) errors.Add($"{place}: a redirect's status is 301, 302, 303, 307 or 308, not {redirect.Status}");
            if (route.Mirror is { } mirror && mirror.Percent is not (>= 0 and <= 100)) errors.Add($"{place}: the mirror's percent is 0 to 100, not {mirror.Percent}");
            if (route.Cors is { Credentials: true } cors && cors.Origins.Contains("*")) errors.Add($"{place}: CORS with credentials excludes the origin '*'");
            if (route.Hedging is { } hedging && (hedging.MaxHedges is < 1 or > 5 || hedging.Delay < TimeSpan.Zero)) errors.Add($"{place}: hedges are 1 to 5 with a delay of at least 0");
            if (route.Retry is { } retry) CheckRetry(place, retry, errors);
        }
    }

    private static void CheckRetry(string place, RetryPolicy retry, List<string> errors)
    {
        if (retry.MaxRetries is < 0 or > 10) errors.Add($"{place}: retries are 0 to 10, not {retry.MaxRetries}");
        if (retry.BackoffBase < TimeSpan.Zero || retry.BackoffMax < retry.BackoffBase) errors.Add($"{place}: the backoff's base is at least 0 and its maximum at least the base");
        if (retry.ReplayBytes < 0) errors.Add($"{place}: the replay size is at least 0, not {retry.ReplayBytes}");
        if (retry.BudgetRatio is not (>= 0 and <= 10)) errors.Add($"{place}: the retry budget's ratio is 0 to 10, not {retry.BudgetRatio}");
        if (retry.BudgetMinPerSecond < 0) errors.Add($"{place}: the retry budget's floor is at least 0, not {retry.BudgetMinPerSecond}");
        if (retry.BudgetWindow < TimeSpan.FromSeconds(1)) errors.Add($"{place}: the retry budget's window is at least 1 s, not {retry.BudgetWindow}");
        if (retry.StatusCodes.Any(s => s is < 400 or > 599)) errors.Add($"{place}: retried status codes are 400 to 599");
        if (retry.GrpcCodes.Any(s => s is < 1 or > 16)) errors.Add($"{place}: retried gRPC codes are 1 to 16");
    }

    private static void CheckTimeouts(string place, TimeoutPolicy timeouts, List<string> errors)
    {
        foreach (var (name, value) in new[] { ("request", timeouts.Request), ("per-try", timeouts.PerTry), ("idle", timeouts.Idle), ("connect", timeouts.Connect) })
            if (value < TimeSpan.Zero || value > TimeSpan.FromDays(24)) errors.Add($"{place}: the {name} timeout is 0 (none) to 24 days, not {value}");
    }

    private static void CheckInbound(InboundEndpoint endpoint, List<string> errors)
    {
        var where = $"inbound endpoint '{endpoint.Name}'";
        foreach (var rule in endpoint.Authorization)
        {
            CheckMatches($"{where}, rule '{rule.Name}'", rule.Requests, errors);
            foreach (var claim in rule.Claims) CheckText($"{where}, rule '{rule.Name}', claim '{claim.Name}'", claim.Match, errors);
            if (!rule.Claims.IsEmpty && endpoint.Jwt is null) errors.Add($"{where}, rule '{rule.Name}': claims need token validation (jwt)");
        }

        CheckRateLimits(where, endpoint.RateLimits, errors);
        CheckJwt(where, endpoint.Jwt, errors);
        if (endpoint.LoadShedding is { } shed && (shed.MinConcurrency < 1 || shed.MaxConcurrency < shed.MinConcurrency || shed.Tolerance < 1))
            errors.Add($"{where}: load shedding needs 1 ≤ minimum ≤ maximum and a tolerance of at least 1");
    }

    private static void CheckJwt(string where, JwtPolicy? jwt, List<string> errors)
    {
        if (jwt is null) return;
        if (jwt.Issuer.Length == 0) errors.Add($"{where}: token validation needs an issuer");
        if ((jwt.Jwks is null) == (jwt.JwksUri is null)) errors.Add($"{where}: token validation needs either keys or where to fetch them");
        if (jwt.JwksUri is not null && (!Uri.TryCreate(jwt.JwksUri, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))) errors.Add($"{where}: '{jwt.JwksUri}' is no URL of keys");
        if (jwt.Refresh <= TimeSpan.Zero || jwt.ClockSkew < TimeSpan.Zero) errors.Add($"{where}: keys' refresh is above 0 and the clock skew at least 0");
        if (jwt.Jwks is null) return;
        try
        {
            if (SigningKeys.Read(jwt.Jwks).Count == 0) errors.Add($"{where}: the key set has no signing key");
        }
        catch (ArgumentException e)
        {
            errors.Add($"{where}: the key set cannot be read: {e.Message}");
        }
    }

    private static void CheckRateLimits(string where, ImmutableArray<RateLimitPolicy> limits, List<string> errors)
    {
        foreach (var limit in limits)
        {
            if (limit.PerSecond is not (> 0 and <= 1e6)) errors.Add($"{where}, rate limit '{limit.Name}': per second is above 0 and at most 1000000, not {limit.PerSecond}");
            if (limit.Burst < 0) errors.Add($"{where}, rate limit '{limit.Name}': the burst is at least 0, not {limit.Burst}");
            if (limit.Key == RateLimitKey.Header && string.IsNullOrEmpty(limit.Header)) errors.Add($"{where}, rate limit '{limit.Name}': which header?");
            CheckMatches($"{where}, rate limit '{limit.Name}'", limit.Matches, errors);
        }
    }

    private static void CheckFault(FaultRule rule, List<string> errors)
    {
        var where = $"fault '{rule.Id}'";
        if (!FaultKindTable.Knows(rule.Fault.Kind)) errors.Add($"{where}: this sidecar does not know the kind '{rule.Fault.Kind}'; it knows {string.Join(", ", FaultKinds.All)}");
        var a = rule.Activation;
        if (a.Percent is not (>= 0 and <= 100)) errors.Add($"{where}: percent is 0 to 100, not {a.Percent}");
        if (a.First < 0 || a.EveryNth < 0 || a.MaxFires < 0 || a.Skip < 0 || a.RampRequests < 0 || a.BurstLength < 0 || a.BurstPeriod < 0) errors.Add($"{where}: the numbers of an activation are at least 0");
        if (rule.Fault.Status is not (0 or (>= 200 and <= 599))) errors.Add($"{where}: the status is 200 to 599, not {rule.Fault.Status}");
        if (rule.Fault.Delay < TimeSpan.Zero || rule.Fault.Jitter < TimeSpan.Zero) errors.Add($"{where}: delays are at least 0");
        if (rule.Match is { } match) CheckMatches(where, [match], errors);
    }

    private static void CheckMatches(string where, ImmutableArray<RouteMatch> matches, List<string> errors)
    {
        foreach (var match in matches)
        {
            if (match.Path is { } path) CheckText($"{where}, path", path, errors);
            if (match.Host is { } host) CheckText($"{where}, host", host, errors);
            foreach (var named in match.Headers.Concat(match.Query).Concat(match.Baggage)) CheckText($"{where}, '{named.Name}'", named.Match, errors);
        }
    }

    private static void CheckText(string where, StringMatch match, List<string> errors)
    {
        if (match.Kind != StringMatchKind.Regex) return;
        try
        {
            _ = new Regex(match.Value, RegexOptions.NonBacktracking);
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            errors.Add($"{where}: '{match.Value}' is no regular expression that can be matched in linear time: {e.Message}");
        }
    }
}
