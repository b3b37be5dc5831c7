namespace AspireMesh.Proxy.Outbound.Deadlines;

/// <summary>
/// Bounds the time until response headers, and nothing after them: a stream that has begun belongs to the caller, and only its idle limit may end it.
/// The timer and the headers race; whoever moves the state first wins, so a deadline that fires while headers arrive can no longer cancel the body.
/// One per attempt.
/// </summary>
internal sealed class HeaderDeadline : IDisposable
{
    private const int Waiting = 0, Passed = 1, Expired = 2, Cancelled = 3;

    /// <summary>The longest a timer can wait, 49 days; a caller's <c>grpc-timeout</c> may say years.</summary>
    private static readonly TimeSpan s_longest = TimeSpan.FromMilliseconds(uint.MaxValue - 1);

    private readonly CancellationTokenSource _source;
    private readonly ITimer? _timer;
    private readonly Func<TimeSpan>? _more;
    private int _state;

    /// <param name="time">The clock.</param>
    /// <param name="limit">How long; nothing or the longest time there is for no limit.</param>
    /// <param name="aborted">The caller went away.</param>
    /// <param name="more">Asked when the time is up: how much more there is; null for none.</param>
    public HeaderDeadline(TimeProvider time, TimeSpan limit, CancellationToken aborted, Func<TimeSpan>? more = null)
    {
        _more = more;
        _source = CancellationTokenSource.CreateLinkedTokenSource(aborted);
        if (limit <= TimeSpan.Zero || limit == TimeSpan.MaxValue) return;
        // Armed only once the field is set: a timer that fires at once may have to arm itself again.
        _timer = time.CreateTimer(static s => ((HeaderDeadline)s!).Expire(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        Arm(limit);
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

    private void Arm(TimeSpan time) => _timer?.Change(time < s_longest ? time : s_longest, Timeout.InfiniteTimeSpan);

    private void Expire()
    {
        if (_more?.Invoke() is { } more && more > TimeSpan.Zero)
        {
            Arm(more);
            return;
        }

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
