namespace AspireMesh.Proxy.Http;

/// <summary>
/// A token bucket as a virtual schedule (GCRA, ITU-T I.371): one number per bucket, the time at which it would be empty of debt. Each admitted request moves
/// it by one interval; a request is refused when that would run more than the burst ahead of now. No timer refills anything.
/// </summary>
internal sealed class TokenBucket(TimeProvider time, double perSecond, int burst)
{
    private readonly double _interval = time.TimestampFrequency / perSecond;
    private readonly double _tolerance = time.TimestampFrequency / perSecond * Math.Max(1, burst);
    private readonly Lock _turn = new();
    private double _theoretical = double.MinValue;

    /// <summary>When it was last asked, to forget buckets of callers that have gone.</summary>
    public long LastUsed { get; private set; } = time.GetTimestamp();

    /// <summary>Takes a token; otherwise says how long until there is one.</summary>
    public bool TryTake(out TimeSpan wait)
    {
        lock (_turn)
        {
            var now = time.GetTimestamp();
            LastUsed = now;
            var next = Math.Max(_theoretical, now) + _interval;
            // Half a timestamp of slack: the sum of intervals must not lose to rounding.
            if (next - now > _tolerance + 0.5)
            {
                wait = TimeSpan.FromSeconds((next - now - _tolerance) / time.TimestampFrequency);
                return false;
            }

            _theoretical = next;
            wait = TimeSpan.Zero;
            return true;
        }
    }

    /// <summary>Takes a token back: what it was for did not happen.</summary>
    public void GiveBack()
    {
        lock (_turn) _theoretical -= _interval;
    }
}
