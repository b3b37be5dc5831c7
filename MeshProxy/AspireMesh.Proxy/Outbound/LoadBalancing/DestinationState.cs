using AspireMesh.Proxy.Http;
using AspireMesh.Proxy.Outbound.OutlierDetection;

namespace AspireMesh.Proxy.Outbound.LoadBalancing;

/// <summary>What lives and changes about one destination; it outlasts snapshots, found again by cluster and destination name.</summary>
internal sealed class DestinationState(TimeProvider time)
{
    private int _outstanding;
    private volatile bool _probedUnhealthy;
    private volatile bool _draining;

    /// <summary>When the destination was first seen, for slow start.</summary>
    public long Since { get; } = time.GetTimestamp();

    public PeakEwma Latency { get; } = new(time);

    public DestinationRecord Outliers { get; } = new(time);

    /// <summary>Requests sent and not yet ended.</summary>
    public int Outstanding => Volatile.Read(ref _outstanding);

    /// <summary>Active probes say no.</summary>
    public bool ProbedUnhealthy
    {
        get => _probedUnhealthy;
        set => _probedUnhealthy = value;
    }

    /// <summary>The destination said it is going away (GOAWAY): no new requests while others are there.</summary>
    public bool Draining
    {
        get => _draining;
        set => _draining = value;
    }

    public void Begin() => Interlocked.Increment(ref _outstanding);

    public void End() => Interlocked.Decrement(ref _outstanding);

    /// <summary>0 to 1 over the slow start, at least a tenth so that it gets traffic at all.</summary>
    public double WarmUp(TimeSpan slowStart)
    {
        if (slowStart <= TimeSpan.Zero) return 1;
        var share = time.GetElapsedTime(Since) / slowStart;
        return share >= 1 ? 1 : Math.Max(0.1, share);
    }
}
