using AspireMesh.Protocol.Diagnostics;

namespace AspireMesh.Protocol.Policies;

/// <summary>The range of every value of the caller's policies. Used by the control plane on a model and by a sidecar on a snapshot, so that both refuse the same.</summary>
public static class EdgePolicyChecks
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);
    private static readonly TimeSpan Millisecond = TimeSpan.FromMilliseconds(1);

    /// <summary>Checks time limits.</summary>
    public static void Check(TimeoutPolicy? policy, string subject, ProblemList problems)
    {
        if (policy is null) return;
        problems.Range(subject, "Timeouts.Request", policy.Request, TimeSpan.Zero, Day);
        problems.Range(subject, "Timeouts.PerTry", policy.PerTry, TimeSpan.Zero, Day);
        problems.Range(subject, "Timeouts.Idle", policy.Idle, TimeSpan.Zero, Day);
        problems.Range(subject, "Timeouts.Connect", policy.Connect, Millisecond, Hour);
        if (policy.Request > TimeSpan.Zero && policy.PerTry > policy.Request)
        {
            problems.Add(MeshDiagnostics.PoliciesConflict, $"{subject}: Timeouts.PerTry is longer than Timeouts.Request, so it never applies. Make it shorter, or leave it out.");
        }
    }

    /// <summary>Checks retries.</summary>
    public static void Check(RetryPolicy? policy, string subject, ProblemList problems)
    {
        if (policy is null) return;
        problems.Range(subject, "Retry.MaxRetries", policy.MaxRetries, 0, 10);
        problems.Defined(subject, "Retry.Conditions", policy.Conditions);
        problems.Range(subject, "Retry.BackoffBase", policy.BackoffBase, TimeSpan.Zero, Hour);
        problems.Range(subject, "Retry.BackoffMax", policy.BackoffMax, policy.BackoffBase, Hour);
        problems.Range(subject, "Retry.RetryAfterMax", policy.RetryAfterMax, TimeSpan.Zero, Hour);
        problems.Range(subject, "Retry.ReplayBytes", policy.ReplayBytes, 0, 64 * 1024 * 1024);
        problems.Range(subject, "Retry.BudgetRatio", policy.BudgetRatio, 0, 1);
        problems.Range(subject, "Retry.BudgetMinPerSecond", policy.BudgetMinPerSecond, 0, 10_000);
        problems.Range(subject, "Retry.BudgetWindow", policy.BudgetWindow, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(5));
        foreach (var code in policy.StatusCodes) problems.Range(subject, "Retry.StatusCodes", code, 400, 599);
        foreach (var code in policy.GrpcCodes) problems.Range(subject, "Retry.GrpcCodes", code, 1, 16);
    }

    /// <summary>Checks hedging.</summary>
    public static void Check(HedgingPolicy? policy, string subject, ProblemList problems)
    {
        if (policy is null) return;
        problems.Range(subject, "Hedging.MaxHedges", policy.MaxHedges, 1, 5);
        problems.Range(subject, "Hedging.Delay", policy.Delay, Millisecond, Hour);
    }

    /// <summary>Checks load balancing.</summary>
    public static void Check(LoadBalancingPolicy? policy, string subject, ProblemList problems)
    {
        if (policy is null) return;
        problems.Defined(subject, "LoadBalancing.Algorithm", policy.Algorithm);
        problems.Defined(subject, "LoadBalancing.HashSource", policy.HashSource);
        problems.Range(subject, "LoadBalancing.HashBoundedLoad", policy.HashBoundedLoad, 1, 100);
        problems.Range(subject, "LoadBalancing.EwmaDecay", policy.EwmaDecay, TimeSpan.FromMilliseconds(10), Hour);
        problems.Range(subject, "LoadBalancing.SlowStart", policy.SlowStart, TimeSpan.Zero, Hour);
        problems.Range(subject, "LoadBalancing.PreferLocalPercent", policy.PreferLocalPercent, 0, 100);
        if (policy.Algorithm == LoadBalancingAlgorithm.ConsistentHash && policy.HashSource != HashSource.Source && string.IsNullOrWhiteSpace(policy.HashName))
        {
            problems.Add(MeshDiagnostics.PoliciesConflict, $"{subject}: LoadBalancing hashes a {policy.HashSource} without a name. Set HashName, for example \"x-user\".");
        }
    }

    /// <summary>Checks active probing.</summary>
    public static void Check(HealthCheckPolicy? policy, string subject, ProblemList problems)
    {
        if (policy is null) return;
        problems.Defined(subject, "HealthCheck.Kind", policy.Kind);
        problems.Range(subject, "HealthCheck.Interval", policy.Interval, TimeSpan.FromMilliseconds(50), Hour);
        problems.Range(subject, "HealthCheck.Timeout", policy.Timeout, TimeSpan.FromMilliseconds(10), Hour);
        problems.Range(subject, "HealthCheck.UnhealthyThreshold", policy.UnhealthyThreshold, 1, 100);
        problems.Range(subject, "HealthCheck.HealthyThreshold", policy.HealthyThreshold, 1, 100);
        if (!policy.Path.StartsWith('/'))
        {
            problems.Add(MeshDiagnostics.ValueOutOfRange, $"{subject}: HealthCheck.Path is '{policy.Path}'. Start it with '/'.");
        }
    }

    /// <summary>Checks outlier detection.</summary>
    public static void Check(OutlierDetectionPolicy? policy, string subject, ProblemList problems)
    {
        if (policy is null) return;
        problems.Range(subject, "OutlierDetection.Consecutive5xx", policy.Consecutive5xx, 0, 10_000);
        problems.Range(subject, "OutlierDetection.ConsecutiveGatewayErrors", policy.ConsecutiveGatewayErrors, 0, 10_000);
        problems.Range(subject, "OutlierDetection.ConsecutiveLocalFailures", policy.ConsecutiveLocalFailures, 0, 10_000);
        problems.Range(subject, "OutlierDetection.SuccessRateThreshold", policy.SuccessRateThreshold, 0, 1);
        // 0 is never; a share below the mean of the others would eject the fast ones.
        if (policy.LatencyFactor != 0) problems.Range(subject, "OutlierDetection.LatencyFactor", policy.LatencyFactor, 1, 1000);
        problems.Range(subject, "OutlierDetection.MinimumRequests", policy.MinimumRequests, 1, 1_000_000);
        problems.Range(subject, "OutlierDetection.Interval", policy.Interval, TimeSpan.FromMilliseconds(100), Hour);
        problems.Range(subject, "OutlierDetection.BaseEjection", policy.BaseEjection, TimeSpan.FromMilliseconds(10), Hour);
        problems.Range(subject, "OutlierDetection.MaxEjection", policy.MaxEjection, policy.BaseEjection, Day);
        problems.Range(subject, "OutlierDetection.MaxEjectedPercent", policy.MaxEjectedPercent, 0, 100);
        problems.Range(subject, "OutlierDetection.PanicThresholdPercent", policy.PanicThresholdPercent, 0, 100);
    }

    /// <summary>Checks a circuit breaker.</summary>
    public static void Check(CircuitBreakerPolicy? policy, string subject, ProblemList problems)
    {
        if (policy is null) return;
        problems.Range(subject, "CircuitBreaker.FailureRatio", policy.FailureRatio, 0.001, 1);
        problems.Range(subject, "CircuitBreaker.MinimumThroughput", policy.MinimumThroughput, 2, 1_000_000);
        problems.Range(subject, "CircuitBreaker.Window", policy.Window, TimeSpan.FromMilliseconds(500), Day);
        problems.Range(subject, "CircuitBreaker.BreakDuration", policy.BreakDuration, TimeSpan.FromMilliseconds(500), Day);
    }

    /// <summary>Checks caps.</summary>
    public static void Check(ConcurrencyPolicy? policy, string subject, ProblemList problems)
    {
        if (policy is null) return;
        problems.Range(subject, "Limits.MaxConnections", policy.MaxConnections, 0, 1_000_000);
        problems.Range(subject, "Limits.MaxConcurrentRequests", policy.MaxConcurrentRequests, 0, 1_000_000);
        problems.Range(subject, "Limits.MaxPendingRequests", policy.MaxPendingRequests, 0, 1_000_000);
        if (policy is { MaxPendingRequests: > 0, MaxConcurrentRequests: 0 })
        {
            problems.Add(MeshDiagnostics.PoliciesConflict, $"{subject}: Limits.MaxPendingRequests without MaxConcurrentRequests: nothing ever waits. Set MaxConcurrentRequests.");
        }
    }
}
