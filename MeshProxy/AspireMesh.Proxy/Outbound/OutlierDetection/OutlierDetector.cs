using AspireMesh.Protocol.Policies;
using AspireMesh.Proxy.Http;
using AspireMesh.Proxy.Outbound.LoadBalancing;
using AspireMesh.Proxy.Outbound.Retries;

namespace AspireMesh.Proxy.Outbound.OutlierDetection;

/// <summary>
/// Finds destinations that fail while others do not, and takes them out for a while (after Envoy's outlier detection).
/// Runs of failures eject at once. Success rate and latency are judged at the end of a window, relative to the others, because a single destination that
/// is slow is a fault and all of them being slow is a load. The n-th ejection in a row lasts n times the base; each window survived forgives one.
/// A destination that comes back is on probation: its first failure ejects it again, so a dead one costs one request per ejection, not five.
/// At most a share is ejected at once: the survivors must be able to carry the load.
/// </summary>
internal sealed class OutlierDetector(TimeProvider time, OutlierDetectionPolicy policy, Action<Destination, string, TimeSpan>? onEjected = null)
{
    private readonly Lock _judging = new();
    private long _windowStart = time.GetTimestamp();

    /// <param name="all">All destinations of the cluster.</param>
    /// <param name="destination">The one that was used.</param>
    /// <param name="outcome">How it went.</param>
    /// <param name="milliseconds">Time to response headers.</param>
    public void Observe(ReadOnlySpan<Destination> all, Destination destination, in AttemptOutcome outcome, double milliseconds)
    {
        // The caller leaving or sending rubbish says nothing about the destination.
        if (outcome.Failure is AttemptFailure.CallerGone or AttemptFailure.BadRequest) return;
        var reason = Count(destination.State.Outliers, outcome, milliseconds);
        if (reason is not null) TryEject(all, destination, reason);
        JudgeWindow(all);
    }

    private string? Count(DestinationRecord record, in AttemptOutcome outcome, double milliseconds)
    {
        lock (record.Turn)
        {
            record.Requests++;
            if (!outcome.IsDestinationFailure)
            {
                record.Successes++;
                record.LatencySum += milliseconds;
                record.OnProbation = false;
                record.ClearRuns();
                return null;
            }

            record.ConsecutiveLocalFailures = outcome.IsLocalFailure ? record.ConsecutiveLocalFailures + 1 : 0;
            record.ConsecutiveGatewayErrors = outcome.IsGatewayError ? record.ConsecutiveGatewayErrors + 1 : 0;
            record.Consecutive5xx++;
            if (Reached(record.ConsecutiveLocalFailures, policy.ConsecutiveLocalFailures)) return "consecutive_local_failures";
            if (Reached(record.ConsecutiveGatewayErrors, policy.ConsecutiveGatewayErrors)) return "consecutive_gateway_errors";
            if (Reached(record.Consecutive5xx, policy.Consecutive5xx)) return "consecutive_5xx";
            return record.OnProbation ? "failed_on_probation" : null;
        }
    }

    private static bool Reached(int run, int threshold) => threshold > 0 && run >= threshold;

    private void TryEject(ReadOnlySpan<Destination> all, Destination destination, string reason)
    {
        TimeSpan length;
        lock (_judging)
        {
            var record = destination.State.Outliers;
            var now = time.GetTimestamp();
            if (record.IsEjectedAt(now)) return;
            var ejected = 0;
            foreach (var other in all)
                if (other.State.Outliers.IsEjectedAt(now)) ejected++;
            // One may always go where another stays; ejecting the only destination would only turn its errors into ours.
            var most = Math.Max(all.Length >= 2 ? 1 : 0, (int)(all.Length * policy.MaxEjectedPercent / 100));
            if (ejected >= most) return;
            lock (record.Turn)
            {
                record.Ejections++;
                record.OnProbation = true;
                record.ClearRuns();
                record.ClearWindow();
                length = policy.BaseEjection * record.Ejections;
            }

            if (length > policy.MaxEjection) length = policy.MaxEjection;
            record.Eject(length);
        }

        onEjected?.Invoke(destination, reason, length);
    }

    private void JudgeWindow(ReadOnlySpan<Destination> all)
    {
        var start = Volatile.Read(ref _windowStart);
        var now = time.GetTimestamp();
        if (now - start < time.ToTimestamps(policy.Interval)) return;
        if (Interlocked.CompareExchange(ref _windowStart, now, start) != start) return;
        foreach (var destination in all)
            if (Judge(all, destination) is { } reason) TryEject(all, destination, reason);
        foreach (var destination in all)
        {
            var record = destination.State.Outliers;
            lock (record.Turn)
            {
                if (!record.IsEjectedAt(now) && !record.OnProbation && record.Ejections > 0) record.Ejections--;
                record.ClearWindow();
            }
        }
    }

    private string? Judge(ReadOnlySpan<Destination> all, Destination destination)
    {
        var record = destination.State.Outliers;
        if (record.Requests < policy.MinimumRequests) return null;
        if (policy.SuccessRateThreshold > 0 && record.Successes < policy.SuccessRateThreshold * record.Requests) return "success_rate";
        if (policy.LatencyFactor <= 0 || record.Successes == 0) return null;
        var others = new List<double>(all.Length);
        foreach (var other in all)
        {
            var their = other.State.Outliers;
            if (!ReferenceEquals(their, record) && their.Successes >= policy.MinimumRequests) others.Add(their.LatencySum / their.Successes);
        }

        if (others.Count == 0) return null;
        others.Sort();
        return record.LatencySum / record.Successes > policy.LatencyFactor * others[others.Count / 2] ? "latency" : null;
    }
}
