using AspireMesh.Protocol.Admin;

namespace AspireMesh.Host.Registry;

/// <summary>What one sidecar reported about one edge: totals that survive its restarts, and the recent window.</summary>
internal sealed class EdgeTotals(TimeProvider time)
{
    /// <summary>How far back rates and percentiles look.</summary>
    public static readonly TimeSpan Window = TimeSpan.FromSeconds(30);

    private readonly Queue<Sample> _samples = new();
    private EdgeReport? _last;
    private long _requestsBefore;
    private long _failuresBefore;
    private long _attemptsBefore;

    public bool? Mtls => _last?.Mtls;

    public long Requests => _requestsBefore + (_last?.Requests ?? 0);

    public long Failures => _failuresBefore + (_last?.Failures ?? 0);

    public long Attempts => _attemptsBefore + (_last?.Attempts ?? 0);

    public void Add(EdgeReport report)
    {
        if (_last is not null && report.Requests < _last.Requests)
        {
            // The sidecar began anew: its totals count from zero.
            (_requestsBefore, _failuresBefore, _attemptsBefore) = (Requests, Failures, Attempts);
            _samples.Clear();
        }
        var now = time.GetUtcNow();
        if (_samples.Count == 0) _samples.Enqueue(_last is null ? new Sample(now, 0, 0, []) : Sample.Of(now, _last));
        _last = report;
        _samples.Enqueue(Sample.Of(now, report));
        while (_samples.Count > 2 && _samples.ElementAt(1).At < now - Window) _samples.Dequeue();
    }

    /// <summary>Adds what happened in the window to a sum over sidecars.</summary>
    public void AddWindow(WindowSum sum)
    {
        if (_last is null || _samples.Count == 0) return;
        var now = time.GetUtcNow();
        var from = now - Window;
        // The newest sample at or before the window's start is where counting begins; without one, the oldest there is.
        var start = _samples.LastOrDefault(s => s.At <= from) ?? _samples.Peek();
        sum.Requests += Math.Max(0, _last.Requests - start.Requests);
        sum.Failures += Math.Max(0, _last.Failures - start.Failures);
        sum.Seconds = Math.Max(sum.Seconds, Math.Min(Window.TotalSeconds, (now - start.At).TotalSeconds));
        if (_last.Latency.IsDefault) return;
        for (var i = 0; i < Math.Min(_last.Latency.Length, sum.Latency.Length); i++)
        {
            sum.Latency[i] += Math.Max(0, _last.Latency[i] - (i < start.Latency.Length ? start.Latency[i] : 0));
        }
    }

    private sealed record Sample(DateTimeOffset At, long Requests, long Failures, long[] Latency)
    {
        public static Sample Of(DateTimeOffset at, EdgeReport report) =>
            new(at, report.Requests, report.Failures, report.Latency.IsDefault ? [] : [.. report.Latency]);
    }
}

/// <summary>What happened on an edge in the recent window, summed over the caller's sidecars.</summary>
internal sealed class WindowSum
{
    public long Requests { get; set; }

    public long Failures { get; set; }

    /// <summary>How long the window really was, at most <see cref="EdgeTotals.Window"/>.</summary>
    public double Seconds { get; set; }

    public long[] Latency { get; } = new long[LatencyBuckets.Count];
}
