using AspireMesh.Protocol.Policies;
using AspireMesh.Proxy.Http;

namespace AspireMesh.Proxy.Outbound.Retries;

/// <summary>
/// Decides whether an outcome is worth another attempt, and whether that is allowed. What was certainly not processed (no connection, refused stream) may
/// be repeated with any method; everything else only when the method is idempotent (RFC 9110 9.2.2), the user said so, or the user listed the gRPC code.
/// </summary>
internal sealed class RetryRules(RetryPolicy policy)
{
    public RetryPolicy Policy { get; } = policy;

    public bool ShouldRetry(in AttemptOutcome outcome, string method, bool sentAnything)
    {
        var c = Policy.Conditions;
        var repeatable = Policy.NonIdempotentMethods || HttpMethodFacts.IsIdempotent(method);
        switch (outcome.Failure)
        {
            case AttemptFailure.Connect:
                return c.HasFlag(RetryConditions.ConnectFailure) && (!sentAnything || repeatable);
            case AttemptFailure.Refused:
                return c.HasFlag(RetryConditions.RefusedStream);
            case AttemptFailure.Reset:
                return c.HasFlag(RetryConditions.Reset) && repeatable;
            case AttemptFailure.PerTryTimeout:
                return c.HasFlag(RetryConditions.PerTryTimeout) && repeatable;
            case AttemptFailure.None:
                // A listed gRPC code is the user's word that the call may be repeated: gRPC has no other way to say it (every call is a POST).
                if (outcome.GrpcStatus > 0 && Policy.GrpcCodes.Contains(outcome.GrpcStatus)) return true;
                if (!repeatable) return false;
                if (Policy.StatusCodes.Contains(outcome.Status)) return true;
                return (c.HasFlag(RetryConditions.ServerError) && outcome.Status >= 500)
                    || (c.HasFlag(RetryConditions.GatewayError) && (outcome.Status is 502 or 503 or 504));
            default:
                return false;
        }
    }

    /// <summary>The pause before the next attempt; null when the destination asks for a longer one than the policy allows, which ends the retries.</summary>
    public TimeSpan? Pause(in AttemptOutcome outcome, int retry, Chance chance, DateTimeOffset now)
    {
        if (Policy.HonourRetryAfter && Backoff.RetryAfter(outcome.RetryAfter, now) is { } asked) return asked <= Policy.RetryAfterMax ? asked : null;
        return Backoff.Pause(Policy, retry, chance);
    }
}
