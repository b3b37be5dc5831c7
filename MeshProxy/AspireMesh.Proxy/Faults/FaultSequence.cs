using System.IO.Hashing;
using System.Runtime.InteropServices;
using AspireMesh.Protocol.Faults;
using AspireMesh.Proxy.Http;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Faults;

/// <summary>
/// One rule on one edge. Every matching request takes the next ordinal; whether it fires is a pure function of seed, edge and ordinal, so the same seed
/// replays the same decisions whatever the timing of the requests.
/// </summary>
internal sealed class FaultSequence
{
    private readonly FaultEdge _edge;
    private readonly FaultServices _services;
    private readonly RequestMatcher? _match;
    private readonly long _edgeHash;
    private readonly Func<long, bool> _fires;

    public FaultSequence(FaultRule rule, FaultEdge edge, FaultServices services, FaultSequence? previous)
    {
        Rule = rule;
        // What a kind remembers outlasts a snapshot too.
        Kind = previous is not null && previous.Rule.Fault == rule.Fault ? previous.Kind : FaultKindTable.Create(rule.Fault, services);
        _edge = edge;
        _services = services;
        _match = rule.Match is null ? null : new RequestMatcher(rule.Match);
        _edgeHash = (long)XxHash3.HashToUInt64(MemoryMarshal.AsBytes(edge.ToString().AsSpan()), rule.Seed);
        _fires = Fires;
        Counts = previous?.Counts ?? new FaultCounts(rule, edge);
        if (previous is null) services.OnCounting(Counts);
    }

    public FaultRule Rule { get; }

    public IFaultKind Kind { get; }

    public FaultCounts Counts { get; }

    public bool IsSameAs(FaultRule other) => other.Id == Rule.Id && other.Seed == Rule.Seed && other.Activation == Rule.Activation;

    /// <summary>Takes the next ordinal if the request matches; the firing, or null when this one is spared.</summary>
    /// <param name="request">Null for an opaque connection, which a rule with a match never touches.</param>
    /// <param name="caller">The caller.</param>
    public FaultFiring? Next(HttpRequest? request, CallerIdentity caller)
    {
        if (Rule.ExpiresAt is { } end && _services.Time.GetUtcNow() >= end) return null;
        if (!Kind.AppliesTo(request)) return null;
        if (_match is not null && (request is null || !_match.Matches(request, caller))) return null;
        if (!Counts.Take(_fires, Rule.Activation.MaxFires, out var ordinal)) return null;
        _services.OnFired(Rule, _edge);
        return new FaultFiring(ordinal, Unit(ordinal, 1), Unit(ordinal, 2));
    }

    /// <summary>Whether the n-th matching request (from 1) fires, leaving <see cref="FaultActivation.MaxFires"/> aside.</summary>
    internal bool Fires(long ordinal)
    {
        var a = Rule.Activation;
        var n = ordinal - a.Skip;
        if (n <= 0) return false;
        if (a.First > 0 && n > a.First) return false;
        if (a.EveryNth > 0 && n % a.EveryNth != 0) return false;
        if (a.BurstPeriod > 0 && (n - 1) % a.BurstPeriod >= a.BurstLength) return false;
        var share = a.RampRequests > 0 && n < a.RampRequests ? a.Percent * n / a.RampRequests : a.Percent;
        return share >= 100 || Unit(ordinal, 0) * 100 < share;
    }

    /// <summary>A number from 0 to 1 for this ordinal; <paramref name="use"/> keeps decision and size of a fault independent.</summary>
    private double Unit(long ordinal, int use)
    {
        ReadOnlySpan<long> key = [ordinal, use];
        return (XxHash3.HashToUInt64(MemoryMarshal.AsBytes(key), _edgeHash) >> 11) * (1.0 / (1UL << 53));
    }
}

/// <summary>One request that a fault hits.</summary>
/// <param name="Ordinal">Its place among the matching requests of its edge, from 1.</param>
/// <param name="Chance">A number from 0 to 1 that belongs to this ordinal.</param>
/// <param name="OtherChance">Another one, where a distribution needs two.</param>
internal readonly record struct FaultFiring(long Ordinal, double Chance, double OtherChance);
