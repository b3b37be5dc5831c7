using System.Collections.Immutable;
using AspireMesh.Protocol.Admin;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;

namespace AspireMesh.Host.Policy;

/// <summary>Changes that people make to a running model. Pure: the changed model is checked and put in force like any other.</summary>
internal static class ModelEditor
{
    /// <summary>Replaces what a policy document names.</summary>
    /// <exception cref="MeshValidationException">It names something that is not there.</exception>
    public static MeshModel Apply(MeshModel model, PolicyDocument document)
    {
        var problems = new ProblemList();
        var edges = model.Edges.ToArray();
        foreach (var entry in document.Edges)
        {
            var found = false;
            for (var i = 0; i < edges.Length; i++)
            {
                if (edges[i].To != entry.To || (entry.From ?? edges[i].From) != edges[i].From || (entry.Endpoint ?? edges[i].Endpoint) != edges[i].Endpoint) continue;
                edges[i] = edges[i] with { Policies = Merge(edges[i].Policies, entry.Policies) };
                found = true;
            }
            if (!found) problems.Add(MeshDiagnostics.NoEdge, $"The policy document names the edge '{entry.From ?? "*"}' → '{entry.To}{(entry.Endpoint is null ? "" : "." + entry.Endpoint)}', which the mesh does not have. Add .WithReference({entry.To}) on the caller, or correct the name.");
        }
        var workloads = model.Workloads.ToArray();
        foreach (var entry in document.Workloads)
        {
            var at = Array.FindIndex(workloads, w => w.Name == entry.Name);
            if (at < 0) problems.Add(MeshDiagnostics.UnknownWorkload, $"The policy document names the workload '{entry.Name}', which is not in the mesh. Bring it in with .WithMesh(), or correct the name.");
            else workloads[at] = Merge(workloads[at], entry, problems);
        }
        problems.ThrowIfAny();
        return model with { Mtls = document.Mtls ?? model.Mtls, Edges = [.. edges], Workloads = [.. workloads] };
    }

    /// <summary>Moves the weight of one leg; the others share the rest in their old proportion, or evenly where they had none.</summary>
    /// <exception cref="MeshValidationException">There is no such edge, route or leg, or the share is out of range.</exception>
    public static MeshModel MoveSplit(MeshModel model, SplitChange change)
    {
        var problems = new ProblemList();
        var subject = $"Traffic split '{change.From}' → '{change.To}'";
        problems.Range(subject, "percent", change.Percent, 0, 100);
        EdgeModel[] edges = [.. model.Edges.Where(e => e.From == change.From && e.To == change.To && (change.Endpoint ?? e.Endpoint) == e.Endpoint)];
        if (edges.Length == 0) problems.Add(MeshDiagnostics.NoEdge, $"{subject}: there is no such edge. See the edges with: aspiremesh routes");
        if (edges.Length > 1) problems.Add(MeshDiagnostics.UnknownEndpoint, $"{subject}: there are several endpoints ({string.Join(", ", edges.Select(e => e.Endpoint))}). Choose one with --endpoint.");
        problems.ThrowIfAny();

        var edge = edges[0];
        var route = Find(edge, change, subject);
        var legs = Move(edge, route?.Split ?? [], change, subject);
        var changed = (route ?? new RoutePolicy { Name = "split" }) with { Split = legs };
        var routes = route is null ? edge.Policies.Routes.Add(changed) : edge.Policies.Routes.Replace(route, changed);
        var next = edge with { Policies = edge.Policies with { Routes = routes } };
        return model with { Edges = model.Edges.Replace(edge, next) };
    }

    private static RoutePolicy? Find(EdgeModel edge, SplitChange change, string subject)
    {
        RoutePolicy[] routes = [.. edge.Policies.Routes.Where(r => change.Route is null ? r.Split.Length > 0 : r.Name == change.Route)];
        if (routes.Length == 1) return routes[0];
        if (routes.Length == 0 && change.Route is null) return null;
        var names = string.Join(", ", edge.Policies.Routes.Where(r => r.Split.Length > 0).Select(r => r.Name));
        throw Bad(MeshDiagnostics.NoEdge, $"{subject}: {(change.Route is null ? "several routes have a split" : $"there is no route '{change.Route}'")}. Choose one with --route: {names}.");
    }

    private static ImmutableArray<TrafficSplitLeg> Move(EdgeModel edge, ImmutableArray<TrafficSplitLeg> legs, SplitChange change, string subject)
    {
        if (legs.IsEmpty) legs = [new TrafficSplitLeg { Weight = 100 }];
        var at = legs.ToList().FindIndex(l => IsNamed(l, edge.To, change.Leg));
        if (at < 0)
        {
            if (change.Leg.Contains('=')) throw Bad(MeshDiagnostics.EmptySubset, $"{subject}: no leg is '{change.Leg}'. The legs are: {string.Join(", ", legs.Select(l => Name(l, edge.To)))}.");
            at = legs.Length;
            legs = legs.Add(new TrafficSplitLeg { Workload = change.Leg, Weight = 0 });
        }
        if (legs.Length == 1) throw Bad(MeshDiagnostics.SplitWithoutWeight, $"{subject}: '{change.Leg}' is the only leg, so there is nothing to move. Name another workload with --leg.");
        var others = legs.Where((_, i) => i != at).Sum(l => (long)l.Weight);
        // In hundredths of a percent, so that the old proportion of three and more legs survives rounding.
        const int Whole = 10_000;
        var rest = Whole - change.Percent * 100;
        int Share(TrafficSplitLeg leg) => others == 0 ? rest / (legs.Length - 1) : (int)(rest * (long)leg.Weight / others);
        return [.. legs.Select((l, i) => l with { Weight = i == at ? change.Percent * 100 : Share(l) })];
    }

    private static bool IsNamed(TrafficSplitLeg leg, string own, string name) =>
        name == Name(leg, own) || (leg.Subset.Count > 0 && (leg.Subset.Values.Contains(name) || leg.Subset.Any(l => $"{l.Key}={l.Value}" == name)));

    private static string Name(TrafficSplitLeg leg, string own) =>
        leg.Subset.Count == 0 ? leg.Workload ?? own : string.Join(",", leg.Subset.Select(l => $"{l.Key}={l.Value}").Order(StringComparer.Ordinal));

    private static WorkloadModel Merge(WorkloadModel old, WorkloadPolicyEntry given, ProblemList problems)
    {
        foreach (var instance in given.Weights.Keys.Except(old.Sidecars.Select(s => s.Instance)).Order(StringComparer.Ordinal))
        {
            problems.Add(MeshDiagnostics.UnknownWorkload, $"The policy document gives a weight to '{instance}', which is no sidecar of '{old.Name}'. There are: {string.Join(", ", old.Sidecars.Select(s => s.Instance))}. See them with: aspiremesh status");
        }
        return old with
        {
            Inbound = given.Inbound ?? old.Inbound,
            Labels = old.Labels.SetItems(given.Labels),
            Sidecars = given.Weights.IsEmpty ? old.Sidecars : [.. old.Sidecars.Select(s => s with { Weight = given.Weights.GetValueOrDefault(s.Instance, s.Weight) })],
        };
    }

    private static EdgePolicies Merge(EdgePolicies old, EdgePolicies given) => new()
    {
        Routes = given.Routes.IsEmpty ? old.Routes : given.Routes,
        TlsRoutes = given.TlsRoutes.IsEmpty ? old.TlsRoutes : given.TlsRoutes,
        Timeouts = given.Timeouts ?? old.Timeouts,
        Retry = given.Retry ?? old.Retry,
        Hedging = given.Hedging ?? old.Hedging,
        LoadBalancing = given.LoadBalancing ?? old.LoadBalancing,
        HealthCheck = given.HealthCheck ?? old.HealthCheck,
        OutlierDetection = given.OutlierDetection ?? old.OutlierDetection,
        CircuitBreaker = given.CircuitBreaker ?? old.CircuitBreaker,
        Limits = given.Limits ?? old.Limits,
        Mirror = given.Mirror ?? old.Mirror,
    };

    private static MeshValidationException Bad(MeshDiagnostic diagnostic, string message) => new([diagnostic.Found(message)]);
}
