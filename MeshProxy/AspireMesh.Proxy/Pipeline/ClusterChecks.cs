using AspireMesh.Protocol.Policies;
using AspireMesh.Protocol.Snapshot;

namespace AspireMesh.Proxy.Pipeline;

/// <summary>What a cluster's policy values may be.</summary>
internal static class ClusterChecks
{
    public static void Check(ClusterSnapshot cluster, List<string> errors)
    {
        var where = $"cluster '{cluster.Name}'";
        if (cluster.Destinations.Any(d => d.Weight < 0 || !double.IsFinite(d.Weight))) errors.Add($"{where}: a destination's weight is negative or no number");
        var lb = cluster.LoadBalancing;
        if (lb.HashBoundedLoad is not (>= 1 and <= 100)) errors.Add($"{where}: the bounded load of hashing is 1 to 100, not {lb.HashBoundedLoad}");
        if (lb.EwmaDecay <= TimeSpan.Zero) errors.Add($"{where}: the decay of latency is above 0, not {lb.EwmaDecay}");
        if (lb.SlowStart < TimeSpan.Zero) errors.Add($"{where}: the slow start is at least 0, not {lb.SlowStart}");
        if (lb.PreferLocalPercent is not (>= 0 and <= 100)) errors.Add($"{where}: the share of local destinations is 0 to 100, not {lb.PreferLocalPercent}");
        if (lb.Algorithm == LoadBalancingAlgorithm.ConsistentHash && lb.HashSource != HashSource.Source && string.IsNullOrEmpty(lb.HashName)) errors.Add($"{where}: which {lb.HashSource} is hashed?");
        if (cluster.OutlierDetection is { } outliers) CheckOutliers(where, outliers, errors);
        if (cluster.CircuitBreaker is { } breaker && (breaker.FailureRatio is not (> 0 and <= 1) || breaker.MinimumThroughput < 1 || breaker.Window <= TimeSpan.Zero || breaker.BreakDuration <= TimeSpan.Zero))
            errors.Add($"{where}: a circuit breaker has a failure ratio above 0 and at most 1, a throughput of at least 1, and a window and a break above 0");
        if (cluster.HealthCheck is { } check) CheckHealth(where, check, errors);
    }

    private static void CheckOutliers(string where, OutlierDetectionPolicy p, List<string> errors)
    {
        if (p.Consecutive5xx < 0 || p.ConsecutiveGatewayErrors < 0 || p.ConsecutiveLocalFailures < 0 || p.MinimumRequests < 1) errors.Add($"{where}: outlier detection's counts are at least 0, its minimum of requests at least 1");
        if (p.SuccessRateThreshold is not (>= 0 and <= 1)) errors.Add($"{where}: the success rate's threshold is 0 to 1, not {p.SuccessRateThreshold}");
        if (p.LatencyFactor is not (0 or >= 1)) errors.Add($"{where}: the latency factor is 0 (never) or at least 1, not {p.LatencyFactor}");
        if (p.Interval <= TimeSpan.Zero || p.BaseEjection <= TimeSpan.Zero || p.MaxEjection < p.BaseEjection) errors.Add($"{where}: outlier detection's interval and ejection are above 0, and the longest at least the first");
        if (p.MaxEjectedPercent is not (>= 0 and <= 100) || p.PanicThresholdPercent is not (>= 0 and <= 100)) errors.Add($"{where}: the ejected share and the panic threshold are 0 to 100");
    }

    private static void CheckHealth(string where, HealthCheckPolicy p, List<string> errors)
    {
        if (p.Interval < TimeSpan.FromMilliseconds(100) || p.Timeout <= TimeSpan.Zero) errors.Add($"{where}: probes are at least 100 ms apart and have a time limit above 0");
        if (p.UnhealthyThreshold < 1 || p.HealthyThreshold < 1) errors.Add($"{where}: a probe's thresholds are at least 1");
        if (p.Kind == HealthCheckKind.Http && !p.Path.StartsWith('/')) errors.Add($"{where}: the probe's path '{p.Path}' does not begin with /");
    }
}
