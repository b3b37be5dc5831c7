using AspireMesh.Protocol.Admin;
using AspireMesh.Protocol.Faults;

namespace AspireMesh.Chaos.Experiments;

/// <summary>One call of the load.</summary>
/// <param name="At">When it began, since the experiment's start.</param>
/// <param name="Duration">How long it took.</param>
/// <param name="Succeeded">Whether the load said it went well.</param>
/// <param name="TraceId">The trace it belongs to, if any.</param>
public sealed record Sample(TimeSpan At, TimeSpan Duration, bool Succeeded, string? TraceId);

/// <summary>What was seen in one phase.</summary>
public sealed class Measurement
{
    private readonly TimeSpan[] _sorted;

    internal Measurement(IReadOnlyList<Sample> samples, IReadOnlyList<EdgeStatus>? edges = null, IReadOnlyList<FaultTally>? faults = null, EdgeStatus? observed = null)
    {
        Samples = samples;
        Edges = edges ?? [];
        Faults = faults ?? [];
        Observed = observed;
        _sorted = [.. samples.Select(s => s.Duration).Order()];
    }

    /// <summary>The calls, in the order in which they ended; empty where an edge was watched.</summary>
    public IReadOnlyList<Sample> Samples { get; }

    /// <summary>What the edges carried during the phase, where a claim is about them: requests and failures of the phase, percentiles as the mesh has them.</summary>
    public IReadOnlyList<EdgeStatus> Edges { get; }

    /// <summary>What the experiment's faults decided, by their ids in the experiment; empty while they are in force.</summary>
    public IReadOnlyList<FaultTally> Faults { get; }

    /// <summary>How many.</summary>
    public int Count => Observed is null ? Samples.Count : (int)Math.Min(Observed.Requests, int.MaxValue);

    /// <summary>Share that succeeded, 0 to 1; 1 without calls.</summary>
    public double SuccessRate => Count == 0 ? 1 : Observed is null ? Samples.Count(s => s.Succeeded) / (double)Count : 1 - (Observed.Failures / (double)Observed.Requests);

    /// <summary>The edge that was watched, with what it carried during the phase.</summary>
    internal EdgeStatus? Observed { get; }

    /// <summary>The p-th percentile of durations (nearest rank), 0 to 100; zero without calls. Of a watched edge: the median up to 50, the 99th percentile above.</summary>
    public TimeSpan Percentile(double p)
    {
        if (Observed is not null) return TimeSpan.FromMilliseconds((p <= 50 ? Observed.P50Ms : Observed.P99Ms) ?? 0);
        return Count == 0 ? TimeSpan.Zero : _sorted[Math.Clamp((int)Math.Ceiling(Count * p / 100) - 1, 0, Count - 1)];
    }

    internal Measurement With(IReadOnlyList<EdgeStatus>? edges = null, IReadOnlyList<FaultTally>? faults = null) => new(Samples, edges ?? Edges, faults ?? Faults, Observed);
}
