using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Identity;
using AspireMesh.Protocol.Model;

namespace AspireMesh.Host.Policy.Rules;

/// <summary>Names can stand in a SPIFFE ID and in metrics, and are there once.</summary>
internal sealed class NamesRule : IModelRule
{
    /// <summary>The control plane's own workload name in its SPIFFE ID.</summary>
    public const string ControlPlane = "aspiremesh-control-plane";

    public void Check(MeshModel model, ProblemList problems)
    {
        Unique(model.Workloads.Select(w => w.Name).Concat(model.ExternalServices.Select(e => e.Name)), "workload or external service", "the mesh", problems);
        Unique(model.Workloads.SelectMany(w => w.Sidecars).Select(s => s.Instance), "sidecar", "the mesh", problems);
        Unique(model.Gateways.Select(g => g.Name), "gateway", "the mesh", problems);
        foreach (var workload in model.Workloads)
        {
            if (workload.Name == ControlPlane) problems.Add(MeshDiagnostics.BadName, $"Workload '{ControlPlane}': the name is the control plane's own. Rename the resource.");
            Unique(workload.Endpoints.Select(e => e.Name), "endpoint", $"workload '{workload.Name}'", problems);
        }
        foreach (var same in model.Edges.GroupBy(e => (e.From, e.To, e.Endpoint)).Where(g => g.Count() > 1))
        {
            problems.Add(MeshDiagnostics.DuplicateName, $"Edge '{same.Key.From}' → '{same.Key.To}.{same.Key.Endpoint}' is there {same.Count()} times. Leave one.");
        }
        foreach (var edge in model.Edges)
        {
            Unique(edge.Policies.Routes.Select(r => r.Name), "route", $"edge '{edge.From}' → '{edge.To}.{edge.Endpoint}'", problems);
        }
    }

    private static void Unique(IEnumerable<string> names, string what, string where, ProblemList problems)
    {
        foreach (var same in names.GroupBy(n => n))
        {
            if (same.Count() > 1) problems.Add(MeshDiagnostics.DuplicateName, $"The {what} '{same.Key}' is there {same.Count()} times in {where}. Rename one.");
            if (!SpiffeId.TryParse($"spiffe://x/{same.Key}", out _, out _) || same.Key.Contains('/'))
            {
                problems.Add(MeshDiagnostics.BadName, $"The {what} name '{same.Key}' in {where} cannot be used. Write letters, digits, '.', '-' and '_'.");
            }
        }
    }
}
