using System.Collections.Concurrent;
using System.Collections.Immutable;
using AspireMesh.Protocol.Policies;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Http;

/// <summary>
/// The local rate limits of an inbound endpoint or a gateway, each with a bucket for all or one per caller or header value. Per-key buckets are bounded:
/// beyond <see cref="MaxKeys"/> the ones unused longest go, which is safe because an unused bucket is a full one.
/// </summary>
internal sealed class RateLimits
{
    private const int MaxKeys = 10_000;
    private readonly TimeProvider _time;
    private readonly Limit[] _limits;

    private RateLimits(TimeProvider time, Limit[] limits)
    {
        _time = time;
        _limits = limits;
    }

    /// <summary>Buckets of limits that did not change are taken over: a snapshot change is no fresh allowance.</summary>
    public static RateLimits? Compile(TimeProvider time, ImmutableArray<RateLimitPolicy> policies, RateLimits? previous)
    {
        if (policies.IsEmpty) return null;
        return new RateLimits(time, [.. policies.Select(p => new Limit(p, previous?._limits.FirstOrDefault(l => l.IsSameAs(p))?.Buckets ?? new(StringComparer.Ordinal)))]);
    }

    /// <summary>
    /// Takes a token from every limit that matches; names the first that has none, and then none is taken: a caller that is over its own limit must not use up what is
    /// there for all.
    /// </summary>
    public bool TryTake(HttpRequest request, CallerIdentity caller, out string? limit, out TimeSpan wait)
    {
        foreach (var candidate in _limits)
        {
            if (!candidate.Covers(request, caller)) continue;
            if (Bucket(candidate, candidate.KeyOf(request, caller)).TryTake(out wait)) continue;
            limit = candidate.Policy.Name;
            GiveBack(candidate, request, caller);
            return false;
        }

        limit = null;
        wait = TimeSpan.Zero;
        return true;
    }

    private void GiveBack(Limit upTo, HttpRequest request, CallerIdentity caller)
    {
        foreach (var taken in _limits)
        {
            if (ReferenceEquals(taken, upTo)) return;
            if (taken.Covers(request, caller)) Bucket(taken, taken.KeyOf(request, caller)).GiveBack();
        }
    }

    private TokenBucket Bucket(Limit limit, string key)
    {
        if (limit.Buckets.TryGetValue(key, out var bucket)) return bucket;
        if (limit.Buckets.Count >= MaxKeys)
            foreach (var old in limit.Buckets.OrderBy(b => b.Value.LastUsed).Take(MaxKeys / 10).ToArray()) limit.Buckets.TryRemove(old);
        var burst = limit.Policy.Burst > 0 ? limit.Policy.Burst : (int)Math.Max(1, Math.Min(int.MaxValue, limit.Policy.PerSecond));
        return limit.Buckets.GetOrAdd(key, _ => new TokenBucket(_time, limit.Policy.PerSecond, burst));
    }

    private sealed class Limit(RateLimitPolicy policy, ConcurrentDictionary<string, TokenBucket> buckets)
    {
        private readonly RequestMatcher[] _matches = RequestMatcher.CompileAll(policy.Matches);

        public RateLimitPolicy Policy { get; } = policy;

        public ConcurrentDictionary<string, TokenBucket> Buckets { get; } = buckets;

        public bool IsSameAs(RateLimitPolicy other) =>
            other.Name == Policy.Name && other.PerSecond.Equals(Policy.PerSecond) && other.Burst == Policy.Burst && other.Key == Policy.Key && other.Header == Policy.Header;

        public bool Covers(HttpRequest request, CallerIdentity caller)
        {
            if (_matches.Length == 0) return true;
            foreach (var match in _matches)
                if (match.Matches(request, caller)) return true;
            return false;
        }

        public string KeyOf(HttpRequest request, CallerIdentity caller) => Policy.Key switch
        {
            RateLimitKey.Caller => caller.Id ?? request.HttpContext.Connection.RemoteIpAddress?.ToString() ?? "",
            RateLimitKey.Header => request.Headers[Policy.Header ?? ""].ToString(),
            _ => "",
        };
    }
}
