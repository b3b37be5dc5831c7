namespace AspireMesh.Chaos.Experiments;

/// <summary>One call of the load.</summary>
/// <param name="At">When it began, since the experiment's start.</param>
/// <param name="Duration">How long it took.</param>
/// <param name="Succeeded">Whether the load said it went well.</param>
/// <param name="TraceId">The trace it belongs to, if any.</param>
public sealed record Sample(TimeSpan At, TimeSpan Duration, bool Succeeded, string? TraceId);

/// <summary>What the load saw in one phase.</summary>
public sealed class Measurement
{
    private readonly TimeSpan[] _sorted;

    internal Measurement(IReadOnlyList<Sample> samples)
    {
        Samples = samples;
        _sorted = [.. samples.Select(s => s.Duration).Order()];
    }

    /// <summary>The calls, in the order in which they ended.</summary>
    public IReadOnlyList<Sample> Samples { get; }

    /// <summary>How many.</summary>
    public int Count => Samples.Count;

    /// <summary>Share that succeeded, 0 to 1; 1 without calls.</summary>
    public double SuccessRate => Count == 0 ? 1 : Samples.Count(s => s.Succeeded) / (double)Count;

    /// <summary>The p-th percentile of durations (nearest rank), 0 to 100; zero without calls.</summary>
    public TimeSpan Percentile(double p) => Count == 0 ? TimeSpan.Zero : _sorted[Math.Clamp((int)Math.Ceiling(Count * p / 100) - 1, 0, Count - 1)];
}
