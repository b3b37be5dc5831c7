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
    private readonly FaultServices _services;
    private readonly BeforeStrategies? _before;

    private EdgeFaults(FaultSequence[] sequences, FaultServices services) => (_sequences, _services, _before) = (sequences, services, BeforeStrategies.Compile(sequences, services.Time));

    /// <param name="rules">All rules of the snapshot.</param>
    /// <param name="side">Which end this is.</param>
    /// <param name="edge">The edge.</param>
    /// <param name="previous">The same edge's faults of the snapshot before.</param>
    /// <param name="services">Clock and events.</param>
    /// <param name="group">Whether faults of the handshake and of the control plane are meant, or those of requests and connections.</param>
    public static EdgeFaults? Compile(ImmutableArray<FaultRule> rules, FaultSide side, FaultEdge edge, EdgeFaults? previous, FaultServices services, FaultStage group = FaultStage.Request)
    {
        if (rules.IsDefaultOrEmpty) return null;
        var sequences = rules
            .Where(r => r.Side == side && edge.Is(r) && GroupOf(r.Fault.Kind) == group)
            .OrderBy(r => r.Order).ThenBy(r => r.Id, StringComparer.Ordinal)
            .Select(r => new FaultSequence(r, edge, services, previous?._sequences.FirstOrDefault(s => s.IsSameAs(r))))
            .ToArray();
        return sequences.Length == 0 ? null : new EdgeFaults(sequences, services);
    }

    /// <summary>The faults between a workload's sidecar and the control plane: they are about the callee, whichever end a rule names.</summary>
    public static EdgeFaults? OfControl(ImmutableArray<FaultRule> rules, string workload, EdgeFaults? previous, FaultServices services)
    {
        if (rules.IsDefaultOrEmpty) return null;
        ImmutableArray<FaultRule> own = [.. rules.Where(r => FaultKinds.OnControl.Contains(r.Fault.Kind)).Select(r => r with { Side = FaultSide.Inbound, From = null, Endpoint = null })];
        return Compile(own, FaultSide.Inbound, new FaultEdge(null, workload, ""), previous, services, FaultStage.Control);
    }

    // Discovery and requests share one list: both are about the same edge.
    private static FaultStage GroupOf(string kind) => FaultKinds.OnTls.Contains(kind) ? FaultStage.Handshake : FaultKinds.OnControl.Contains(kind) ? FaultStage.Control : FaultStage.Request;

    /// <summary>
    /// Decides for one request, connection or handshake, and gives what hits it; null for nothing. Every fault that could act takes its ordinal, in the faults' order,
    /// up to one that ends what it hits.
    /// </summary>
    public FiredFaults? Decide(FaultStage stage, HttpRequest? request, CallerIdentity caller)
    {
        FiredFaults? fired = null;
        foreach (var sequence in _sequences)
        {
            if (sequence.Kind.Stage != stage || sequence.Next(request, caller) is not { } firing) continue;
            (fired ??= new FiredFaults(_services.Time, _before)).Add(sequence, firing);
            if (sequence.Kind.Ends) break;
        }

        return fired;
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
/// <param name="Renew">Asks for a new SVID.</param>
/// <param name="Drain">Leaves the tunnel connections that there are.</param>
internal sealed record FaultServices(TimeProvider Time, Action<FaultRule, FaultEdge> OnFired, Action<FaultCounts> OnCounting, Action? Renew = null, Action? Drain = null);
