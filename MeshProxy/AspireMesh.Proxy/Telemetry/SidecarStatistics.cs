using System.Collections.Concurrent;
using System.Collections.Immutable;
using AspireMesh.Protocol.Admin;
using AspireMesh.Proxy.Control;
using AspireMesh.Proxy.Faults;

namespace AspireMesh.Proxy.Telemetry;

/// <summary>What a sidecar reports to its control plane: totals since its start, so that a lost report loses nothing.</summary>
internal sealed class SidecarStatistics(Func<DateTimeOffset?> svidExpires, Func<string?>? svidSerial = null) : IReportSource
{
    // A caller is an address without its port; still, a scan must not fill the memory.
    private const int MostNames = 1000;
    private readonly ConcurrentDictionary<(string To, string Endpoint), EdgeCounters> _edges = new();
    private readonly ConcurrentDictionary<string, long> _plaintext = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, long> _faults = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, long> _denied = new(StringComparer.Ordinal);
    private long _changes = 1;
    private long _reported;
    private string? _reportedSerial;
    private DateTimeOffset? _reportedExpiry;

    /// <summary>The totals of an edge.</summary>
    public EdgeCounters Edge(string to, string endpoint) =>
        _edges.TryGetValue((to, endpoint), out var counters) ? counters : _edges.GetOrAdd((to, endpoint), static key => new EdgeCounters(key.To, key.Endpoint));

    /// <summary>What faults decided.</summary>
    public FaultLedger Faults { get; } = new();

    /// <summary>To be called after anything was counted.</summary>
    public void Touch() => Interlocked.Increment(ref _changes);

    /// <summary>Counts a caller that used plaintext.</summary>
    public void AddPlaintext(string caller) => Add(_plaintext, caller);

    /// <summary>Counts a fault that fired.</summary>
    public void AddFault(string id) => Add(_faults, id);

    /// <summary>Counts a refusal by the rule that decided.</summary>
    public void AddDenied(string rule) => Add(_denied, rule);

    /// <inheritdoc/>
    public SidecarReport? Take()
    {
        var expires = svidExpires();
        var serial = svidSerial?.Invoke();
        var changes = Interlocked.Read(ref _changes);
        if (!Faults.HasNews() && changes == Interlocked.Read(ref _reported) && expires == _reportedExpiry && serial == _reportedSerial) return null;
        Interlocked.Exchange(ref _reported, changes);
        (_reportedExpiry, _reportedSerial) = (expires, serial);
        return Read(expires, serial);
    }

    /// <inheritdoc/>
    public void Forget() => Interlocked.Exchange(ref _reported, 0);

    private SidecarReport Read(DateTimeOffset? expires, string? serial) => new()
    {
        SvidExpires = expires,
        SvidSerial = serial,
        Edges = [.. _edges.Values.Select(e => e.Read()).OrderBy(e => e.To, StringComparer.Ordinal).ThenBy(e => e.Endpoint, StringComparer.Ordinal)],
        PlaintextCallers = _plaintext.ToImmutableDictionary(),
        FaultFires = _faults.ToImmutableDictionary(),
        Denied = _denied.ToImmutableDictionary(),
        Faults = Faults.Read(),
    };

    private void Add(ConcurrentDictionary<string, long> counts, string name)
    {
        if (counts.Count >= MostNames && !counts.ContainsKey(name)) name = "other";
        counts.AddOrUpdate(name, 1, static (_, count) => count + 1);
        Touch();
    }
}
