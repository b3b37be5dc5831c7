using System.Collections.Immutable;
using AspireMesh.Protocol.Faults;

namespace AspireMesh.Chaos.Experiments;

/// <summary>What an experiment says of the system.</summary>
public enum Verdict
{
    /// <summary>The hypothesis held.</summary>
    Held,

    /// <summary>It did not.</summary>
    Failed,

    /// <summary>The system was not in its steady state before the first fault: nothing can be said.</summary>
    NotSteady,

    /// <summary>An abort condition ended it.</summary>
    Aborted,
}

/// <summary>One check's outcome.</summary>
/// <param name="Phase">When.</param>
/// <param name="Name">What was claimed.</param>
/// <param name="Holds">Whether it held.</param>
/// <param name="Found">What was found.</param>
public sealed record CheckResult(Phase Phase, string Name, bool Holds, string Found);

/// <summary>A finished experiment.</summary>
public sealed record ExperimentResult
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>The seed all its decisions came from.</summary>
    public required long Seed { get; init; }

    /// <summary>What it says.</summary>
    public required Verdict Verdict { get; init; }

    /// <summary>Why it ended early; null when it did not.</summary>
    public string? AbortReason { get; init; }

    /// <summary>Each check.</summary>
    public ImmutableArray<CheckResult> Checks { get; init; } = [];

    /// <summary>The faults that were in force.</summary>
    public ImmutableArray<FaultRule> Faults { get; init; } = [];

    /// <summary>What each fault decided on each edge, request by request; the same for the same seed and number of requests.</summary>
    public ImmutableArray<FaultTally> Decisions { get; init; } = [];

    /// <summary>How often each fault fired, by id; without those that no sidecar has counted.</summary>
    public ImmutableSortedDictionary<string, long> Fires { get; init; } = ImmutableSortedDictionary<string, long>.Empty;

    /// <summary>What the load saw, by phase.</summary>
    public required ImmutableSortedDictionary<Phase, Measurement> Measurements { get; init; }

    /// <summary>Throws with every check that did not hold, unless the verdict is <see cref="Verdict.Held"/>.</summary>
    /// <exception cref="ExperimentFailedException">The hypothesis did not hold.</exception>
    public void EnsureHeld()
    {
        if (Verdict == Verdict.Held) return;
        var reasons = Checks.Where(c => !c.Holds).Select(c => $"{c.Phase.ToString().ToLowerInvariant()}: {c.Name}; found {c.Found}");
        if (AbortReason is not null) reasons = reasons.Prepend(AbortReason);
        throw new ExperimentFailedException($"the experiment '{Name}' (seed {Seed}) ended as {Verdict}: {string.Join("; ", reasons)}");
    }
}

/// <summary>A hypothesis did not hold.</summary>
public sealed class ExperimentFailedException(string message) : Exception(message);
