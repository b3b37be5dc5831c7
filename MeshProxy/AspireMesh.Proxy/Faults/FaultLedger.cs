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

    // Keeps the sum of changes growing when counts go: a rule that was put on again often comes to the same number as before, and that would be no news.
    private long _gone;

    /// <summary>Remembers a rule on an edge.</summary>
    public void Add(FaultCounts counts)
    {
        lock (_gate)
        {
            Forget(c => c.IsOf(counts));
            if (_all.Count >= Most) Forget(c => c == _all[0]);
            _all.Add(counts);
        }
    }

    /// <summary>Whether any decision was made, or any rule came, since the last call.</summary>
    public bool HasNews()
    {
        long changes;
        lock (_gate) changes = _gone + _all.Sum(Changes);
        return Interlocked.Exchange(ref _reported, changes) != changes;
    }

    /// <summary>Everything remembered, in the order it came.</summary>
    public ImmutableArray<FaultTally> Read()
    {
        lock (_gate) return [.. _all.Select(c => c.Read())];
    }

    private static long Changes(FaultCounts counts) => counts.Requests + 1;

    private void Forget(Predicate<FaultCounts> which)
    {
        foreach (var counts in _all.FindAll(which))
        {
            _gone += Changes(counts);
            _all.Remove(counts);
        }
    }
}
