using System.Collections.Frozen;
using System.Collections.Immutable;
using AspireMesh.Protocol.Identity;
using AspireMesh.Protocol.Model;

namespace AspireMesh.Host.Registry;

/// <summary>A checked model with the look-ups that compiling one sidecar's snapshot needs, so that its cost grows with the edges of its workload only.</summary>
internal sealed class ModelIndex
{
    private readonly FrozenDictionary<string, WorkloadModel> _workloads;
    private readonly FrozenDictionary<string, ExternalServiceModel> _external;
    private readonly FrozenDictionary<string, (WorkloadModel Workload, SidecarModel Sidecar)> _sidecars;
    private readonly ILookup<string, EdgeModel> _edgesFrom;
    private readonly ILookup<string, GatewayModel> _gateways;
    private readonly ILookup<string, Reach> _reachedFrom;
    private readonly ILookup<string, Reach> _reachFrom;
    private readonly FrozenDictionary<string, SpiffeId> _identities;

    public ModelIndex(MeshModel model)
    {
        Model = model;
        TrustDomain = TrustDomain.Parse(model.TrustDomain);
        _workloads = model.Workloads.ToFrozenDictionary(w => w.Name);
        _external = model.ExternalServices.ToFrozenDictionary(e => e.Name);
        _sidecars = model.Workloads.SelectMany(w => w.Sidecars.Select(s => (w, s))).ToFrozenDictionary(p => p.s.Instance);
        _edgesFrom = model.Edges.ToLookup(e => e.From);
        _gateways = model.Gateways.ToLookup(g => g.Workload);
        _identities = model.Workloads.ToFrozenDictionary(w => w.Name, w => SpiffeId.ForWorkload(TrustDomain, model.Namespace, w.Name));
        Reach[] ways = [.. Reach.Of(model).Distinct()];
        _reachedFrom = ways.ToLookup(r => r.To);
        _reachFrom = ways.ToLookup(r => r.From);
    }

    public MeshModel Model { get; }

    public TrustDomain TrustDomain { get; }

    public IEnumerable<string> Instances => _sidecars.Keys;

    public WorkloadModel? Workload(string name) => _workloads.GetValueOrDefault(name);

    public ExternalServiceModel? External(string name) => _external.GetValueOrDefault(name);

    public bool TryGetSidecar(string instance, out WorkloadModel workload, out SidecarModel sidecar)
    {
        var found = _sidecars.TryGetValue(instance, out var pair);
        (workload, sidecar) = pair;
        return found;
    }

    public SpiffeId Identity(string workload) => _identities[workload];

    public IEnumerable<EdgeModel> EdgesFrom(string workload) => _edgesFrom[workload];

    public IEnumerable<GatewayModel> GatewaysOn(string workload) => _gateways[workload];

    /// <summary>Everything that leads to a workload: who must be let in there.</summary>
    public IEnumerable<Reach> ReachOf(string workload) => _reachedFrom[workload];

    /// <summary>Everywhere a workload leads to.</summary>
    public IEnumerable<Reach> ReachFrom(string workload) => _reachFrom[workload];

    /// <summary>The sidecars whose snapshots name the workload: its own and those of its callers.</summary>
    public ImmutableHashSet<string> AffectedBy(string workload)
    {
        var affected = ImmutableHashSet.CreateBuilder<string>();
        foreach (var name in _reachedFrom[workload].Select(r => r.From).Append(workload).Distinct())
        {
            if (Workload(name) is not { } caller) continue;
            foreach (var sidecar in caller.Sidecars) affected.Add(sidecar.Instance);
        }
        return affected.ToImmutable();
    }
}
