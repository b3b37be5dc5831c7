using AspireMesh.Proxy.Http;

namespace AspireMesh.Proxy.Outbound.LoadBalancing;

/// <summary>
/// Peak exponentially weighted moving average of time to response headers (Finagle's load metric, Linkerd's default). A sample above the average replaces
/// it at once, so one slow answer is noticed at once; a sample below it pulls it down over the decay time. Reading also decays the average, so that a
/// destination nobody dares to use is tried again. Milliseconds.
/// </summary>
internal sealed class PeakEwma(TimeProvider time)
{
    /// <summary>What a destination without a sample costs while it has a request outstanding: it gets one request to learn from, not a stampede.</summary>
    private const double Unmeasured = 1000;
    private readonly Lock _turn = new();
    private double _average;
    private bool _measured;
    private long _stamp = time.GetTimestamp();

    /// <summary>A response came after <paramref name="milliseconds"/>.</summary>
    public void Observe(double milliseconds, TimeSpan decay)
    {
        lock (_turn)
        {
            var now = time.GetTimestamp();
            var keep = Keep(now, decay);
            _average = !_measured || milliseconds > _average ? milliseconds : (_average * keep) + (milliseconds * (1 - keep));
            _measured = true;
            _stamp = now;
        }
    }

    /// <summary>A failure came after <paramref name="milliseconds"/>: it may raise the average, never lower it. Failing fast must not look like being fast.</summary>
    public void ObserveFailure(double milliseconds, TimeSpan decay)
    {
        if (milliseconds > Average(decay)) Observe(milliseconds, decay);
    }

    /// <summary>The average now.</summary>
    public double Average(TimeSpan decay)
    {
        lock (_turn) return _measured ? _average * Keep(time.GetTimestamp(), decay) : 0;
    }

    /// <summary>Average times requests that would then be outstanding: what choosing this destination costs.</summary>
    /// <param name="outstanding">Those that are, measured against the destination's weight.</param>
    /// <param name="decay">How fast an old latency is forgotten.</param>
    public double Cost(double outstanding, TimeSpan decay)
    {
        bool measured;
        double average;
        lock (_turn)
        {
            measured = _measured;
            average = _average * Keep(time.GetTimestamp(), decay);
        }

        if (!measured) return outstanding == 0 ? 0 : Unmeasured * outstanding;
        return average * (outstanding + 1);
    }

    private double Keep(long now, TimeSpan decay) => decay <= TimeSpan.Zero ? 0 : Math.Exp(-time.Seconds(now - _stamp) / decay.TotalSeconds);
}
