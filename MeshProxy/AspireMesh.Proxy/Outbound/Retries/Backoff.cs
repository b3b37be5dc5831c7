using System.Globalization;
using AspireMesh.Protocol.Policies;

namespace AspireMesh.Proxy.Outbound.Retries;

/// <summary>The pause before a retry: doubled each time up to a maximum, with full jitter so that callers which failed together do not come back together.</summary>
internal static class Backoff
{
    /// <param name="policy">The retry policy.</param>
    /// <param name="retry">1 for the first retry.</param>
    /// <param name="chance">The jitter.</param>
    public static TimeSpan Pause(RetryPolicy policy, int retry, Chance chance)
    {
        var ceiling = policy.BackoffBase.TotalMilliseconds * Math.Pow(2, Math.Min(retry - 1, 30));
        return TimeSpan.FromMilliseconds(Math.Min(ceiling, policy.BackoffMax.TotalMilliseconds) * chance.NextDouble());
    }

    /// <summary>The pause a <c>Retry-After</c> asks for (RFC 9110 10.2.3: seconds or a date); null when there is none that can be read.</summary>
    public static TimeSpan? RetryAfter(string? header, DateTimeOffset now)
    {
        if (header is null) return null;
        if (int.TryParse(header, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)) return TimeSpan.FromSeconds(seconds);
        if (!DateTimeOffset.TryParseExact(header, "r", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var date)) return null;
        return date > now ? date - now : TimeSpan.Zero;
    }
}
