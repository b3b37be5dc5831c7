using System.Collections.Immutable;
using AspireMesh.Host.Registry;
using AspireMesh.Protocol.Faults;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Snapshot;

namespace AspireMesh.Host.Policy;

/// <summary>
/// Intent and registry → the snapshot of one sidecar. Pure. A snapshot has what this sidecar can reach and nothing else, so the cost of a change grows with
/// the edges it touches. Nothing is left to inherit: every default of <see cref="Protocol.Policies.MeshDefaults"/> is written out.
/// </summary>
internal static class SnapshotCompiler
{
    /// <summary>Compiles with version 0; distribution gives it its version once the content is known to differ.</summary>
    public static MeshSnapshot? Compile(CompileInput input, string instance)
    {
        var index = input.Index;
        if (!index.TryGetSidecar(instance, out var workload, out var sidecar)) return null;
        var faults = FaultsOf(input, workload);
        var outbound = new OutboundCompiler(input, workload, sidecar);
        var listeners = outbound.Listeners();
        // One address, so one listener: where there are replicas, the first sidecar carries the gateway and balances over all of them. Pods each have their own.
        var gateways = sidecar.Address is not null || ReferenceEquals(workload.Sidecars[0], sidecar) ? outbound.Gateways() : [];
        var egress = outbound.Egress();
        return new MeshSnapshot
        {
            Version = 0,
            Requires = Requires(workload, listeners, gateways, egress),
            Workload = workload.Name,
            Instance = instance,
            Identity = index.Identity(workload.Name).ToString(),
            Zone = Labels.Of(workload, sidecar).GetValueOrDefault(Labels.Zone),
            Mtls = index.Model.Mtls,
            AllowTls12 = index.Model.AllowTls12,
            TrustBundle = input.TrustBundle,
            DrainTime = index.Model.DrainTime,
            Inbound = InboundCompiler.Compile(input, workload, sidecar, faults),
            Outbound = listeners,
            Gateways = gateways,
            Egress = egress,
            Clusters = outbound.Clusters(),
            Interception = workload.Intercept is { } listen ? new InterceptionSnapshot { Listen = listen, RefuseUndeclared = index.Model.UndeclaredEgress == EgressMode.Refuse } : null,
            Faults = faults,
        };
    }

    // What a sidecar that does not know it would pass over, letting through what was to be refused or leading it elsewhere.
    private static ImmutableArray<string> Requires(WorkloadModel workload, ImmutableArray<OutboundListener> listeners, ImmutableArray<GatewayListener> gateways, EgressListener? egress)
    {
        var features = ImmutableArray.CreateBuilder<string>();
        if (egress is not null) features.Add(SnapshotFeatures.Egress);
        if (workload.Intercept is not null) features.Add(SnapshotFeatures.Interception);
        if (listeners.Any(l => l.TlsRoutes.Length > 0) || gateways.Any(g => g.TlsRoutes.Length > 0)) features.Add(SnapshotFeatures.TlsRoutes);
        return features.ToImmutable();
    }

    // A sidecar gets the faults it executes: as caller those on its edges, as callee those that say so.
    private static ImmutableArray<FaultRule> FaultsOf(CompileInput input, WorkloadModel workload)
    {
        if (!input.Index.Model.ChaosEnabled) return [];
        return [.. input.Faults.Where(f => Concerns(f, workload, input.Index)).OrderBy(f => f.Order).ThenBy(f => f.Id, StringComparer.Ordinal)];
    }

    private static bool Concerns(FaultRule fault, WorkloadModel workload, ModelIndex index)
    {
        // About the callee's own sidecars, whichever side the rule names.
        if (FaultKinds.OnControl.Contains(fault.Fault.Kind)) return (fault.To ?? workload.Name) == workload.Name;
        if (fault.Side == FaultSide.Inbound)
        {
            return (fault.To ?? workload.Name) == workload.Name && (fault.Endpoint is null || workload.Endpoints.Any(e => e.Name == fault.Endpoint));
        }
        return (fault.From ?? workload.Name) == workload.Name
            && index.ReachFrom(workload.Name).Any(r => (fault.To ?? r.To) == r.To && (fault.Endpoint ?? r.Endpoint) == r.Endpoint);
    }
}
