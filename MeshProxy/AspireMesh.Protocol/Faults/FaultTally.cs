using System.Text;

namespace AspireMesh.Protocol.Faults;

/// <summary>
/// What one fault decided on one edge at one sidecar. The decisions depend on seed, edge and order of the requests alone, so for the same number of
/// requests they are the same in every run; times and trace ids are no part of it.
/// </summary>
public sealed record FaultTally
{
    /// <summary>How many decisions are kept; later ones are counted only.</summary>
    public const int MostDecisions = 4096;

    /// <summary>The fault's id.</summary>
    public required string Fault { get; init; }

    /// <summary>One of <see cref="FaultKinds"/>.</summary>
    public required string Kind { get; init; }

    /// <summary>The caller; null where a fault acts before it is known.</summary>
    public string? From { get; init; }

    /// <summary>The callee.</summary>
    public required string To { get; init; }

    /// <summary>The endpoint; empty for faults of a whole workload.</summary>
    public string Endpoint { get; init; } = "";

    /// <summary>The sidecar that decided. Filled in by the control plane.</summary>
    public string? Instance { get; init; }

    /// <summary>The seed.</summary>
    public long Seed { get; init; }

    /// <summary>Matching requests, connections or handshakes: the last ordinal.</summary>
    public long Requests { get; init; }

    /// <summary>How many of them fired.</summary>
    public long Fires { get; init; }

    /// <summary>The first decisions in their order, from ordinal 1: <c>x</c> fired, <c>.</c> spared. At most <see cref="MostDecisions"/>.</summary>
    public string Decisions { get; init; } = "";

    /// <summary>Decisions as the lines of a journal, <c>fault edge ordinal verdict</c>; the same bytes for the same seed.</summary>
    public string Journal()
    {
        var lines = new StringBuilder();
        for (var i = 0; i < Decisions.Length; i++) lines.Append(Fault).Append(' ').Append(From ?? "*").Append("->").Append(To).Append('.').Append(Endpoint).Append(' ').Append(i + 1).Append(Decisions[i] == 'x' ? " fired\n" : " spared\n");
        return lines.ToString();
    }
}
