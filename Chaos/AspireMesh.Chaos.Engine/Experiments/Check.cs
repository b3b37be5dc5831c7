using System.Globalization;
using AspireMesh.Chaos.Documents;
using AspireMesh.Chaos.Running;

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
public sealed record Check(string Name, Func<Measurement, CancellationToken, Task<(bool Holds, string Found)>> Evaluate)
{
    /// <summary>The same as data; null for one that is code.</summary>
    internal ClaimDocument? Document { get; init; }
}

/// <summary>What is claimed of the system, phase by phase.</summary>
public sealed class Hypothesis
{
    private readonly List<(Phase Phase, Check Check)> _checks = [];

    internal IReadOnlyList<(Phase Phase, Check Check)> Checks => _checks;

    /// <summary>At least this share of calls succeeds, 0 to 1.</summary>
    public Hypothesis SuccessRateAtLeast(double rate, Phase phase = Phase.During) => Claim(new ClaimDocument { Kind = ClaimKind.SuccessRate, AtLeast = rate, Phase = phase });

    /// <summary>At most this share of calls succeeds: for showing that a protection is what protects.</summary>
    public Hypothesis SuccessRateAtMost(double rate, Phase phase = Phase.During) => Claim(new ClaimDocument { Kind = ClaimKind.SuccessRate, AtMost = rate, Phase = phase });

    /// <summary>A percentile of the calls' durations stays below a limit.</summary>
    public Hypothesis LatencyBelow(double percentile, TimeSpan limit, Phase phase = Phase.During) => Claim(new ClaimDocument { Kind = ClaimKind.Latency, Percentile = percentile, Below = limit, Phase = phase });

    /// <summary>At most this many requests of an edge fail, retries taken into account.</summary>
    public Hypothesis EdgeFailuresAtMost(ChaosEdge edge, long failures, Phase phase = Phase.During) => Claim(new ClaimDocument { Kind = ClaimKind.Edge, From = edge.From, To = edge.To, AtMost = failures, Phase = phase });

    /// <summary>A fault fired at least so often: an experiment whose faults hit nothing proves nothing.</summary>
    /// <param name="fires">How often.</param>
    /// <param name="fault">The fault's id; null for all together.</param>
    public Hypothesis FiresAtLeast(long fires, string? fault = null) => Claim(new ClaimDocument { Kind = ClaimKind.Fires, AtLeast = fires, Fault = fault });

    /// <summary>An address answers as it should.</summary>
    /// <param name="resource">The resource.</param>
    /// <param name="path">The path.</param>
    /// <param name="expect">What the answer must be like; null for any 2xx.</param>
    /// <param name="phase">When.</param>
    public Hypothesis Answers(string resource, string path, Tolerance? expect = null, Phase phase = Phase.During) =>
        Claim(new ClaimDocument { Kind = ClaimKind.Probe, Resource = resource, Url = path, Expect = expect ?? new Tolerance(), Phase = phase });

    /// <summary>A claim as data.</summary>
    public Hypothesis Claim(ClaimDocument claim)
    {
        ArgumentNullException.ThrowIfNull(claim);
        _checks.Add((claim.Phase, new Check(Claims.Describe(claim), (m, _) => Task.FromResult(Claims.Evaluate(claim, m))) { Document = claim }));
        return this;
    }

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
