using System.Collections.Immutable;
using AspireMesh.Protocol.Faults;
using AspireMesh.Proxy.Http;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Faults;

/// <summary>
/// The faults in force on one edge, in their order. There is no such object where there are no faults, so a mesh without chaos pays one null check.
/// Counters outlast snapshots by rule id: a change elsewhere does not start a sequence again.
/// </summary>
internal sealed class EdgeFaults
{
    private readonly FaultSequence[] _sequences;

    private EdgeFaults(FaultSequence[] sequences) => _sequences = sequences;

    /// <param name="rules">All rules of the snapshot.</param>
    /// <param name="side">Which end this is.</param>
    /// <param name="edge">The edge.</param>
    /// <param name="previous">The same edge's faults of the snapshot before.</param>
    /// <param name="services">Clock and events.</param>
    public static EdgeFaults? Compile(ImmutableArray<FaultRule> rules, FaultSide side, FaultEdge edge, EdgeFaults? previous, FaultServices services)
    {
        if (rules.IsDefaultOrEmpty) return null;
        var sequences = rules
            .Where(r => r.Side == side && edge.Is(r))
            .OrderBy(r => r.Order).ThenBy(r => r.Id, StringComparer.Ordinal)
            .Select(r => new FaultSequence(r, edge, services, previous?._sequences.FirstOrDefault(s => s.IsSameAs(r))))
            .ToArray();
        return sequences.Length == 0 ? null : new EdgeFaults(sequences);
    }

    /// <summary>Runs what fires for this request; the first fault that ends it wins. The token is the attempt's, so a delay runs into the caller's deadline as a slow network would.</summary>
    public async ValueTask<FaultEffect> BeforeAsync(HttpContext? context, CallerIdentity caller, CancellationToken cancellation)
    {
        var effect = FaultEffect.None;
        foreach (var sequence in _sequences)
        {
            if (sequence.Next(context?.Request, caller) is not { } firing) continue;
            var one = await sequence.Kind.BeforeAsync(firing, cancellation);
            effect = one with { Delayed = effect.Delayed || one.Delayed };
            if (effect.Ends) return effect;
        }

        return effect;
    }
}

/// <summary>One edge: who calls which endpoint of whom.</summary>
/// <param name="From">The caller; null where it is known only when a request comes (inbound).</param>
/// <param name="To">The callee.</param>
/// <param name="Endpoint">The endpoint.</param>
internal sealed record FaultEdge(string? From, string To, string Endpoint)
{
    public bool Is(FaultRule rule) =>
        (rule.From is null || rule.From == From) && (rule.To is null || rule.To == To) && (rule.Endpoint is null || rule.Endpoint == Endpoint);

    public override string ToString() => $"{From}->{To}.{Endpoint}";
}

/// <summary>What faults need from the sidecar.</summary>
/// <param name="Time">The clock.</param>
/// <param name="OnFired">Called for each firing, for metrics.</param>
/// <param name="OnCounting">Called with the counts of a rule that came into force on an edge.</param>
internal sealed record FaultServices(TimeProvider Time, Action<FaultRule, FaultEdge> OnFired, Action<FaultCounts> OnCounting);
