using System.Collections.Immutable;
using AspireMesh.Chaos.Documents;
using AspireMesh.Protocol.Faults;

namespace AspireMesh.Chaos.Campaigns;

/// <summary>
/// Random experiments: edges, faults and activations drawn from a seed. What one of them found is kept with <see cref="Freeze"/>: a document that
/// says outright what was drawn, and needs neither the seed of the campaign nor the edges that the mesh had then.
/// </summary>
public sealed class Campaign
{
    private readonly ImmutableArray<ChaosEdge> _edges;
    private readonly ImmutableArray<Fault> _faults;
    private readonly LoadDocument _load;
    private readonly ImmutableArray<ClaimDocument> _hypothesis;

    /// <summary>Describes a campaign.</summary>
    /// <param name="seed">The same seed draws the same experiments from the same edges and faults.</param>
    /// <param name="edges">The edges to draw from, in any order.</param>
    /// <param name="load">The load of every experiment.</param>
    /// <param name="hypothesis">What is claimed of the system whatever is drawn.</param>
    /// <param name="faults">The faults to draw from; null for delays, failures and resets.</param>
    public Campaign(long seed, IEnumerable<ChaosEdge> edges, LoadDocument load, IEnumerable<ClaimDocument> hypothesis, IEnumerable<Fault>? faults = null)
    {
        Seed = seed;
        // Sorted: the order in which a mesh lists its edges is no part of the draw.
        _edges = [.. edges.Distinct().OrderBy(e => e.ToString(), StringComparer.Ordinal)];
        _faults = [.. faults ?? [Faults.Abort(503), Faults.Abort(500), Faults.Delay(TimeSpan.FromMilliseconds(200)), Faults.DelayHeavyTailed(TimeSpan.FromMilliseconds(50)), Faults.Reset()]];
        (_load, _hypothesis) = (load, [.. hypothesis]);
        if (_edges.Length == 0) throw new ArgumentException("a campaign needs an edge to draw: ask the mesh with aspiremesh routes", nameof(edges));
        if (_faults.Length == 0) throw new ArgumentException("a campaign needs a fault to draw", nameof(faults));
    }

    /// <summary>The seed.</summary>
    public long Seed { get; }

    /// <summary>The n-th experiment, from 0.</summary>
    /// <param name="index">Which.</param>
    /// <param name="faults">How many faults it has at once, at least 1. Default 1.</param>
    public ExperimentDocument Freeze(int index, int faults = 1)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfLessThan(faults, 1);
        var draw = new Draw(unchecked((ulong)Seed * 0x9E3779B97F4A7C15) ^ (ulong)index);
        var steps = Enumerable.Range(1, faults).Select(n => new StepDocument { Inject = Injection(draw, n) }).ToImmutableArray();
        return new ExperimentDocument
        {
            Name = $"campaign {Seed}, experiment {index}: {string.Join(" and ", steps.Select(s => $"{s.Inject!.Fault.Kind} on {new ChaosEdge(s.Inject.From, s.Inject.To, s.Inject.Endpoint)}"))}",
            Seed = draw.Seed(),
            Load = _load,
            Hypothesis = _hypothesis,
            Steps = steps,
        };
    }

    private InjectDocument Injection(Draw draw, int number)
    {
        var edge = _edges[draw.Below(_edges.Length)];
        return new InjectDocument
        {
            Id = $"fault-{number}",
            From = edge.From,
            To = edge.To,
            Endpoint = edge.Endpoint,
            Fault = _faults[draw.Below(_faults.Length)],
            Activation = draw.Below(4) switch
            {
                0 => new FaultActivation { Percent = 5 * (1 + draw.Below(20)) },
                1 => new FaultActivation { First = 1 + draw.Below(10) },
                2 => new FaultActivation { EveryNth = 2 + draw.Below(8) },
                _ => new FaultActivation { BurstLength = 1 + draw.Below(3), BurstPeriod = 10 },
            },
            Seed = draw.Seed(),
        };
    }

    /// <summary>SplitMix64: the same numbers on every version of .NET.</summary>
    private sealed class Draw(ulong state)
    {
        private ulong _state = state;

        public int Below(int limit) => (int)(Next() % (ulong)limit);

        public long Seed() => (long)(Next() >> 1);

        private ulong Next()
        {
            unchecked
            {
                _state += 0x9E3779B97F4A7C15;
                var z = _state;
                z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
                z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
                return z ^ (z >> 31);
            }
        }
    }
}
