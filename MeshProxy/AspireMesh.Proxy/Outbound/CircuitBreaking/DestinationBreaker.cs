using AspireMesh.Protocol.Policies;
using AspireMesh.Proxy.Http;

namespace AspireMesh.Proxy.Outbound.CircuitBreaking;

/// <summary>Closed lets requests through, Open none, HalfOpen one.</summary>
internal enum BreakerState
{
    /// <summary>Requests pass and are counted.</summary>
    Closed,

    /// <summary>Nothing passes until the break is over.</summary>
    Open,

    /// <summary>One request is trying.</summary>
    HalfOpen,
}

/// <summary>
/// One destination's breaker, with Polly's words and rules: Closed until the failure share of a sampling window reaches the ratio with enough requests;
/// Open for the break duration; then HalfOpen for one request, whose outcome decides. It is not Polly's class because the load balancer has to know
/// before it chooses whether a destination would admit a request, which a strategy that wraps a delegate cannot say.
/// </summary>
internal sealed class DestinationBreaker(TimeProvider time, CircuitBreakerPolicy policy, Action<BreakerState>? onChange = null)
{
    private readonly Lock _turn = new();
    private BreakerState _state;
    private long _windowStart = time.GetTimestamp();
    private long _openUntil;
    private int _requests;
    private int _failures;

    public CircuitBreakerPolicy Policy { get; } = policy;

    public BreakerState State
    {
        get
        {
            lock (_turn) return _state;
        }
    }

    /// <summary>Whether <see cref="TryEnter"/> would succeed now.</summary>
    public bool CouldAdmit
    {
        get
        {
            lock (_turn) return _state == BreakerState.Closed || (_state == BreakerState.Open && time.GetTimestamp() >= _openUntil);
        }
    }

    /// <summary>Takes a place; false while Open, and while HalfOpen's one request is still running.</summary>
    public bool TryEnter()
    {
        lock (_turn)
        {
            if (_state == BreakerState.Closed) return true;
            if (_state == BreakerState.HalfOpen || time.GetTimestamp() < _openUntil) return false;
            _state = BreakerState.HalfOpen;
        }

        onChange?.Invoke(BreakerState.HalfOpen);
        return true;
    }

    /// <summary>An attempt that entered has ended.</summary>
    /// <param name="failed">Null when it says nothing about the destination (the caller went away).</param>
    public void Exit(bool? failed)
    {
        BreakerState? change = null;
        lock (_turn)
        {
            if (_state == BreakerState.HalfOpen) change = failed switch { true => Open(), false => Close(), null => Reopen() };
            else if (_state == BreakerState.Closed && failed is { } f) change = Count(f);
        }

        if (change is { } to) onChange?.Invoke(to);
    }

    private BreakerState? Count(bool failed)
    {
        var now = time.GetTimestamp();
        if (now - _windowStart >= time.ToTimestamps(Policy.Window)) ClearWindow(now);
        _requests++;
        if (failed) _failures++;
        return _requests >= Policy.MinimumThroughput && _failures >= Policy.FailureRatio * _requests ? Open() : null;
    }

    private BreakerState Open()
    {
        _state = BreakerState.Open;
        _openUntil = time.GetTimestamp() + time.ToTimestamps(Policy.BreakDuration);
        return BreakerState.Open;
    }

    /// <summary>The trial told nothing: Open again with the break already over, so that the next request may try.</summary>
    private BreakerState Reopen()
    {
        _state = BreakerState.Open;
        _openUntil = time.GetTimestamp();
        return BreakerState.Open;
    }

    private BreakerState Close()
    {
        _state = BreakerState.Closed;
        ClearWindow(time.GetTimestamp());
        return BreakerState.Closed;
    }

    private void ClearWindow(long now)
    {
        _windowStart = now;
        _requests = _failures = 0;
    }
}
