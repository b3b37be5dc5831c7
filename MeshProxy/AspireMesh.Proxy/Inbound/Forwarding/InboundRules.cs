using System.Collections.Concurrent;
using AspireMesh.Protocol.Faults;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Faults;
using AspireMesh.Proxy.Http;
using AspireMesh.Proxy.Inbound.Authentication;
using AspireMesh.Proxy.Inbound.Authorization;
using AspireMesh.Proxy.Inbound.LoadShedding;

namespace AspireMesh.Proxy.Inbound.Forwarding;

/// <summary>What one endpoint's HTTP pipeline obeys, as one snapshot has it; what lives is taken over from the snapshot before.</summary>
internal sealed class InboundRules
{
    private readonly MeshSnapshot _snapshot;
    private readonly FaultServices _faults;
    private readonly bool _hasFaults;
    private readonly Lock _compiling = new();
    private readonly ConcurrentDictionary<string, EdgeFaults?> _byCaller = new(StringComparer.Ordinal);

    private InboundRules(InboundEndpoint endpoint, MeshSnapshot snapshot, InboundRules? previous, FaultServices faults)
    {
        (Endpoint, _snapshot, _faults) = (endpoint, snapshot, faults);
        _hasFaults = snapshot.Faults.Any(f => f.Side == FaultSide.Inbound && (f.To is null || f.To == snapshot.Workload) && (f.Endpoint is null || f.Endpoint == endpoint.Name));
        // One step back is enough to find the counters, and no chain of old snapshots is kept alive.
        if (_hasFaults && previous is not null)
            foreach (var (caller, old) in previous._byCaller) _byCaller[caller] = CompileFaults(caller, old);
    }

    public InboundEndpoint Endpoint { get; }

    public required AuthorizationRules Authorization { get; init; }

    public required JwtValidator? Jwt { get; init; }

    public required RateLimits? RateLimits { get; init; }

    public required GradientLimit? LoadShedding { get; init; }

    public required AppClient? App { get; init; }

    public static InboundRules Compile(InboundEndpoint endpoint, MeshSnapshot snapshot, InboundRules? previous, FaultServices faults, HttpMessageInvoker http) =>
        new(endpoint, snapshot, previous, faults)
        {
            Authorization = new AuthorizationRules(endpoint.Authorization, endpoint.Name, endpoint.AuditOnly, snapshot.Mtls != MtlsMode.Strict),
            Jwt = JwtValidator.Compile(endpoint.Jwt, previous?.Jwt, faults.Time, http),
            RateLimits = RateLimits.Compile(faults.Time, endpoint.RateLimits, previous?.RateLimits),
            LoadShedding = endpoint.LoadShedding is not { } shed ? null : previous?.LoadShedding is { } kept && kept.Policy == shed ? kept : new GradientLimit(shed),
            App = AppClient.Create(endpoint, previous?.App),
        };

    /// <summary>The faults of the edge from this caller; null for none.</summary>
    public EdgeFaults? FaultsFrom(CallerIdentity caller)
    {
        if (!_hasFaults) return null;
        var name = caller.Workload ?? "";
        if (_byCaller.TryGetValue(name, out var known)) return known;
        // Once: every compilation has counts of its own, and those of a second one would be told in place of those that count.
        lock (_compiling) return _byCaller.TryGetValue(name, out known) ? known : _byCaller[name] = CompileFaults(name, null);
    }

    private EdgeFaults? CompileFaults(string caller, EdgeFaults? previous) =>
        EdgeFaults.Compile(_snapshot.Faults, FaultSide.Inbound, new FaultEdge(caller.Length == 0 ? null : caller, _snapshot.Workload, Endpoint.Name), previous, _faults);
}
