using System.Collections.Immutable;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;

namespace AspireMesh.Host.Policy.Rules;

/// <summary>Every name that a policy mentions is there.</summary>
internal sealed class ReferencesRule : IModelRule
{
    public void Check(MeshModel model, ProblemList problems)
    {
        var known = new Known(model, problems);
        foreach (var edge in model.Edges)
        {
            var subject = $"Edge '{edge.From}' → '{edge.To}.{edge.Endpoint}'";
            known.Workload(edge.From, subject);
            known.Endpoint(edge.To, edge.Endpoint, subject, allowExternal: true);
            foreach (var route in edge.Policies.Routes) CheckRoute(edge, route, $"{subject}, route '{route.Name}'", known, problems);
            foreach (var route in edge.Policies.TlsRoutes) CheckLegs(route.Split, edge.To, edge.Endpoint, $"{subject}, TLS route '{route.Name}'", known, problems);
            if (edge.Policies.Mirror is { } mirror) known.Endpoint(mirror.Workload, mirror.Endpoint, $"{subject}, mirror", allowExternal: false);
        }
        foreach (var workload in model.Workloads) CheckRules(workload, known);
        foreach (var gateway in model.Gateways)
        {
            var subject = $"Gateway '{gateway.Name}'";
            known.Endpoint(gateway.Workload, gateway.Endpoint, subject, allowExternal: false);
            foreach (var route in gateway.TlsRoutes)
            {
                var legs = $"{subject}, TLS route '{route.Name}'";
                CheckLegs(route.Split, gateway.Workload, gateway.Endpoint, legs, known, problems);
                foreach (var leg in route.Split) CheckEdge(model, gateway.Workload, leg.Workload ?? gateway.Workload, leg.Endpoint ?? gateway.Endpoint, legs, problems);
            }
            foreach (var route in gateway.Routes)
            {
                known.Endpoint(route.Workload, route.Endpoint, subject, allowExternal: false);
                CheckEdge(model, gateway.Workload, route.Workload, route.Endpoint, subject, problems);
            }
        }
    }

    private static void CheckEdge(MeshModel model, string from, string to, string endpoint, string subject, ProblemList problems)
    {
        if (from == to || model.Edges.Any(e => e.From == from && e.To == to && e.Endpoint == endpoint)) return;
        problems.Add(MeshDiagnostics.NoEdge, $"{subject} leads to '{to}.{endpoint}', but '{from}' has no reference to it. Add .WithReference({to}) on '{from}'.");
    }

    private static void CheckRoute(EdgeModel edge, RoutePolicy route, string subject, Known known, ProblemList problems)
    {
        foreach (var caller in route.Matches.SelectMany(m => m.Callers)) known.Workload(caller, subject);
        if (route.Mirror is { } mirror) known.Endpoint(mirror.Workload, mirror.Endpoint, $"{subject}, mirror", allowExternal: false);
        CheckLegs(route.Split, edge.To, edge.Endpoint, subject, known, problems);
    }

    private static void CheckLegs(ImmutableArray<TrafficSplitLeg> legs, string to, string endpoint, string subject, Known known, ProblemList problems)
    {
        foreach (var leg in legs)
        {
            var workload = leg.Workload ?? to;
            if (!known.Endpoint(workload, leg.Endpoint ?? endpoint, subject, allowExternal: true)) continue;
            if (leg.Subset.Count > 0 && !known.HasSubset(workload, leg.Subset))
            {
                var labels = string.Join(", ", leg.Subset.Select(l => $"{l.Key}={l.Value}").Order());
                problems.Add(MeshDiagnostics.EmptySubset, $"{subject}: no sidecar of '{workload}' is labelled {labels}. Type .WithMeshLabels(\"{leg.Subset.First().Key}\", \"{leg.Subset.First().Value}\") on it.");
            }
        }
    }

    private static void CheckRules(WorkloadModel workload, Known known)
    {
        foreach (var rule in workload.Inbound.Authorization)
        {
            var subject = $"Workload '{workload.Name}', rule '{rule.Name}'";
            foreach (var caller in rule.Callers.Where(c => !c.Contains("://"))) known.Workload(caller, subject);
            foreach (var endpoint in rule.Endpoints) known.Endpoint(workload.Name, endpoint, subject, allowExternal: false);
        }
    }

    /// <summary>The names of a model.</summary>
    private sealed class Known(MeshModel model, ProblemList problems)
    {
        private readonly ILookup<string, WorkloadModel> _workloads = model.Workloads.ToLookup(w => w.Name);
        private readonly HashSet<string> _external = [.. model.ExternalServices.Select(e => e.Name)];

        public void Workload(string name, string subject)
        {
            if (_workloads.Contains(name)) return;
            problems.Add(MeshDiagnostics.UnknownWorkload, $"{subject}: the workload '{name}' is not in the mesh. {Suggest(name)}");
        }

        public bool Endpoint(string workload, string endpoint, string subject, bool allowExternal)
        {
            if (allowExternal && _external.Contains(workload)) return true;
            var found = _workloads[workload].FirstOrDefault();
            if (found is null)
            {
                Workload(workload, subject);
                return false;
            }
            if (found.Endpoints.Any(e => e.Name == endpoint)) return true;
            var there = found.Endpoints.IsEmpty ? "It has none." : $"It has: {string.Join(", ", found.Endpoints.Select(e => e.Name))}.";
            problems.Add(MeshDiagnostics.UnknownEndpoint, $"{subject}: the workload '{workload}' has no endpoint '{endpoint}'. {there} Declare it with .WithHttpEndpoint(name: \"{endpoint}\").");
            return false;
        }

        public bool HasSubset(string workload, IReadOnlyDictionary<string, string> subset) =>
            _workloads[workload].Any(w => w.Sidecars.Any(s => Labels.Match(Labels.Of(w, s), subset)));

        private string Suggest(string name) =>
            _workloads.Select(w => w.Key).FirstOrDefault(k => string.Equals(k, name, StringComparison.OrdinalIgnoreCase)) is { } near
                ? $"Did you mean '{near}'?"
                : $"Bring it in with .WithMesh(), or correct the name; there are: {string.Join(", ", _workloads.Select(w => w.Key).Order().Take(20))}.";
    }
}
