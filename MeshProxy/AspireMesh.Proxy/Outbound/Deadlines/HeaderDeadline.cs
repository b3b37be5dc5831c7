namespace AspireMesh.Proxy.Outbound.Deadlines;

/// <summary>
/// Bounds the time until response headers, and nothing after them: a stream that has begun belongs to the caller, and only its idle limit may end it.
/// The timer and the headers race; whoever moves the state first wins, so a deadline that fires while headers arrive can no longer cancel the body.
/// One per attempt.
/// </summary>
internal sealed class HeaderDeadline : IDisposable
{
    private const int Waiting = 0, Passed = 1, Expired = 2, Cancelled = 3;
    private readonly CancellationTokenSource _source;
    private readonly ITimer? _timer;
    private int _state;

    public HeaderDeadline(TimeProvider time, TimeSpan limit, CancellationToken aborted)
    {
        _source = CancellationTokenSource.CreateLinkedTokenSource(aborted);
        if (limit > TimeSpan.Zero && limit != TimeSpan.MaxValue) _timer = time.CreateTimer(static s => ((HeaderDeadline)s!).Expire(), this, limit, Timeout.InfiniteTimeSpan);
    }

    public CancellationToken Token => _source.Token;

    /// <summary>Whether time ran out before headers came.</summary>
    public bool HasExpired => Volatile.Read(ref _state) == Expired;

    /// <summary>Headers are here; false when the deadline or a cancellation was first.</summary>
    public bool TryPass() => Interlocked.CompareExchange(ref _state, Passed, Waiting) is Waiting or Passed;

    /// <summary>Ends the attempt from outside (a hedge that lost); does nothing once headers were passed on.</summary>
    public void Cancel()
    {
        if (Interlocked.CompareExchange(ref _state, Cancelled, Waiting) == Waiting) CancelSource();
    }

    public void Dispose()
    {
        _timer?.Dispose();
        _source.Dispose();
    }

    private void Expire()
    {
        if (Interlocked.CompareExchange(ref _state, Expired, Waiting) == Waiting) CancelSource();
    }

    private void CancelSource()
    {
        try
        {
            _source.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The attempt ended between the state change and here: there is nothing left to cancel, which is what was asked for.
            return;
        }
    }
}
