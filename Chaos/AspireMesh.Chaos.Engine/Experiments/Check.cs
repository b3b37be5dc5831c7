using System.Globalization;

namespace AspireMesh.Chaos.Experiments;

/// <summary>When a check is made.</summary>
public enum Phase
{
    /// <summary>Before the first fault: the system is as it should be, or the experiment says nothing.</summary>
    Before,

    /// <summary>While the faults are in force.</summary>
    During,

    /// <summary>After they are gone: the system has come back.</summary>
    After,
}

/// <summary>One statement of a hypothesis.</summary>
/// <param name="Name">In words.</param>
/// <param name="Evaluate">What was found, and whether it holds.</param>
public sealed record Check(string Name, Func<Measurement, CancellationToken, Task<(bool Holds, string Found)>> Evaluate);

/// <summary>What is claimed of the system, phase by phase.</summary>
public sealed class Hypothesis
{
    private readonly List<(Phase Phase, Check Check)> _checks = [];

    internal IReadOnlyList<(Phase Phase, Check Check)> Checks => _checks;

    /// <summary>At least this share of calls succeeds, 0 to 1.</summary>
    public Hypothesis SuccessRateAtLeast(double rate, Phase phase = Phase.During) => That(
        string.Create(CultureInfo.InvariantCulture, $"success rate is at least {rate:P2}"),
        m => (m.Count > 0 && m.SuccessRate >= rate, string.Create(CultureInfo.InvariantCulture, $"{m.SuccessRate:P2} of {m.Count} calls")),
        phase);

    /// <summary>At most this share of calls succeeds: for showing that a protection is what protects.</summary>
    public Hypothesis SuccessRateAtMost(double rate, Phase phase = Phase.During) => That(
        string.Create(CultureInfo.InvariantCulture, $"success rate is at most {rate:P2}"),
        m => (m.Count > 0 && m.SuccessRate <= rate, string.Create(CultureInfo.InvariantCulture, $"{m.SuccessRate:P2} of {m.Count} calls")),
        phase);

    /// <summary>A percentile of the calls' durations stays below a limit.</summary>
    public Hypothesis LatencyBelow(double percentile, TimeSpan limit, Phase phase = Phase.During) => That(
        string.Create(CultureInfo.InvariantCulture, $"p{percentile:0.##} is below {limit.TotalMilliseconds:0} ms"),
        m => (m.Count > 0 && m.Percentile(percentile) < limit, string.Create(CultureInfo.InvariantCulture, $"{m.Percentile(percentile).TotalMilliseconds:0.0} ms over {m.Count} calls")),
        phase);

    /// <summary>Anything about the measurement.</summary>
    public Hypothesis That(string name, Func<Measurement, (bool Holds, string Found)> holds, Phase phase = Phase.During) =>
        Probe(name, (m, _) => Task.FromResult(holds(m)), phase);

    /// <summary>Anything that can be asked of the system: a page, a table, a metric.</summary>
    public Hypothesis Probe(string name, Func<Measurement, CancellationToken, Task<(bool Holds, string Found)>> probe, Phase phase = Phase.During)
    {
        _checks.Add((phase, new Check(name, probe)));
        return this;
    }
}
