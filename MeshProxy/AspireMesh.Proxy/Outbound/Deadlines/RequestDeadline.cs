using AspireMesh.Protocol.Policies;

namespace AspireMesh.Proxy.Outbound.Deadlines;

/// <summary>
/// The time a request has until response headers, all attempts included: the policy's limit or the caller's <c>grpc-timeout</c>, whichever is shorter.
/// </summary>
internal readonly struct RequestDeadline
{
    private readonly TimeProvider _time;
    private readonly long _start;
    private readonly TimeSpan _limit;

    public RequestDeadline(TimeProvider time, TimeoutPolicy policy, TimeSpan? grpcTimeout)
    {
        _time = time;
        _start = time.GetTimestamp();
        _limit = policy.Request > TimeSpan.Zero ? policy.Request : TimeSpan.MaxValue;
        if (grpcTimeout is { } asked && asked < _limit) _limit = asked;
    }

    public bool IsBounded => _limit != TimeSpan.MaxValue;

    public TimeSpan Elapsed => _time.GetElapsedTime(_start);

    /// <summary>What is left; <see cref="TimeSpan.MaxValue"/> without a limit, never below zero.</summary>
    public TimeSpan Remaining
    {
        get
        {
            if (!IsBounded) return TimeSpan.MaxValue;
            var left = _limit - Elapsed;
            return left > TimeSpan.Zero ? left : TimeSpan.Zero;
        }
    }

    /// <summary>What one attempt may take: the per-try limit, but never more than what is left.</summary>
    public TimeSpan ForAttempt(TimeoutPolicy policy)
    {
        var left = Remaining;
        return policy.PerTry > TimeSpan.Zero && policy.PerTry < left ? policy.PerTry : left;
    }
}
