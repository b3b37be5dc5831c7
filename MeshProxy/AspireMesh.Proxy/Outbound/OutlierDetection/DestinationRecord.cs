using AspireMesh.Proxy.Http;

namespace AspireMesh.Proxy.Outbound.OutlierDetection;

/// <summary>What callers have seen of one destination: runs of failures, a window of totals, and its ejections.</summary>
internal sealed class DestinationRecord(TimeProvider time)
{
    private long _ejectedUntil;

    /// <summary>Guards the counters below; held for a few instructions.</summary>
    public Lock Turn { get; } = new();

    public int Consecutive5xx { get; set; }

    public int ConsecutiveGatewayErrors { get; set; }

    public int ConsecutiveLocalFailures { get; set; }

    /// <summary>Requests of the running window.</summary>
    public int Requests { get; set; }

    /// <summary>Of these, those that did not fail.</summary>
    public int Successes { get; set; }

    /// <summary>Sum of times to response headers, milliseconds.</summary>
    public double LatencySum { get; set; }

    /// <summary>Ejections in a row; falls by one for every window survived.</summary>
    public int Ejections { get; set; }

    /// <summary>Has come back and not succeeded yet: one failure ejects it again.</summary>
    public bool OnProbation { get; set; }

    public bool IsEjected => IsEjectedAt(time.GetTimestamp());

    /// <summary>How long the ejection still lasts; zero when there is none.</summary>
    public TimeSpan EjectedFor
    {
        get
        {
            var left = Volatile.Read(ref _ejectedUntil) - time.GetTimestamp();
            return left > 0 ? TimeSpan.FromSeconds(time.Seconds(left)) : TimeSpan.Zero;
        }
    }

    public bool IsEjectedAt(long timestamp) => Volatile.Read(ref _ejectedUntil) > timestamp;

    public void Eject(TimeSpan length) => Volatile.Write(ref _ejectedUntil, time.GetTimestamp() + time.ToTimestamps(length));

    public void ClearRuns() => Consecutive5xx = ConsecutiveGatewayErrors = ConsecutiveLocalFailures = 0;

    public void ClearWindow()
    {
        Requests = Successes = 0;
        LatencySum = 0;
    }
}
