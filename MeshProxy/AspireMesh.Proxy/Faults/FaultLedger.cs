using System.Collections.Immutable;
using AspireMesh.Protocol.Faults;

namespace AspireMesh.Proxy.Faults;

/// <summary>The counts of the faults that are or were lately in force in a sidecar: bounded, oldest out first, and a rule that is put on again begins again.</summary>
internal sealed class FaultLedger
{
    /// <summary>Rules times edges that are remembered.</summary>
    public const int Most = 128;

    private readonly Lock _gate = new();
    private readonly List<FaultCounts> _all = [];
    private long _reported;

    /// <summary>Remembers a rule on an edge.</summary>
    public void Add(FaultCounts counts)
    {
        lock (_gate)
        {
            _all.RemoveAll(c => c.IsOf(counts));
            if (_all.Count >= Most) _all.RemoveAt(0);
            _all.Add(counts);
        }
    }

    /// <summary>Whether any decision was made since the last call.</summary>
    public bool HasNews()
    {
        long requests;
        lock (_gate) requests = _all.Sum(c => c.Requests + 1);
        return Interlocked.Exchange(ref _reported, requests) != requests;
    }

    /// <summary>Everything remembered, in the order it came.</summary>
    public ImmutableArray<FaultTally> Read()
    {
        lock (_gate) return [.. _all.Select(c => c.Read())];
    }
}
