using AspireMesh.Protocol.Policies;

namespace AspireMesh.Proxy.Outbound.Deadlines;

/// <summary>
/// The time a request has until response headers, all attempts included: the policy's limit or the caller's <c>grpc-timeout</c>, whichever is shorter.
/// The policy's limit counts from the end of the request's body: how long an upload or a client's stream takes is the caller's business, and it would
/// otherwise be a limit on sizes. A <c>grpc-timeout</c> counts from the start, as its caller's own clock does.
/// </summary>
internal sealed class RequestDeadline
{
    private readonly TimeProvider _time;
    private readonly long _start;
    private readonly TimeSpan _limit;
    private readonly TimeSpan _asked;
    private long _from;
    private volatile bool _bodyOpen;

    public RequestDeadline(TimeProvider time, TimeoutPolicy policy, TimeSpan? grpcTimeout)
    {
        _time = time;
        _start = _from = time.GetTimestamp();
        _limit = policy.Request > TimeSpan.Zero ? policy.Request : TimeSpan.MaxValue;
        _asked = grpcTimeout ?? TimeSpan.MaxValue;
    }

    public bool IsBounded => _limit != TimeSpan.MaxValue || _asked != TimeSpan.MaxValue;

    public TimeSpan Elapsed => _time.GetElapsedTime(_start);

    /// <summary>What is left; <see cref="TimeSpan.MaxValue"/> without a limit, never below zero.</summary>
    public TimeSpan Remaining => Shorter(LeftOf(_limit, _from), LeftOf(_asked, _start));

    /// <summary>The request has a body that is not read to its end yet.</summary>
    public void BodyBegins() => _bodyOpen = true;

    /// <summary>The body was read to its end: the limit counts from now.</summary>
    public void BodyEnded()
    {
        if (!_bodyOpen) return;
        Volatile.Write(ref _from, _time.GetTimestamp());
        _bodyOpen = false;
    }

    /// <summary>What one attempt may take: the per-try limit, but never more than what is left.</summary>
    public TimeSpan ForAttempt(TimeoutPolicy policy) => policy.PerTry > TimeSpan.Zero ? Shorter(policy.PerTry, Remaining) : Remaining;

    /// <summary>What an attempt has left once its time seems to be up: a whole turn more while the body is still on its way, and the rest of one after its end.</summary>
    public TimeSpan MoreForAttempt(TimeoutPolicy policy, long attemptStart)
    {
        var perTry = policy.PerTry > TimeSpan.Zero ? policy.PerTry : TimeSpan.MaxValue;
        var own = _bodyOpen ? Shorter(perTry, _limit) : Shorter(LeftOf(perTry, Math.Max(attemptStart, Volatile.Read(ref _from))), LeftOf(_limit, _from));
        return Shorter(own, LeftOf(_asked, _start));
    }

    private TimeSpan LeftOf(TimeSpan limit, long from)
    {
        if (limit == TimeSpan.MaxValue) return limit;
        var left = limit - _time.GetElapsedTime(from);
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }

    private static TimeSpan Shorter(TimeSpan a, TimeSpan b) => a < b ? a : b;
}
