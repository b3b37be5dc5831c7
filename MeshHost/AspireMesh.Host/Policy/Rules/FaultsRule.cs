using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Faults;
using AspireMesh.Protocol.Model;

namespace AspireMesh.Host.Policy.Rules;

/// <summary>Faults in force from the start: allowed at all, well-formed, and about workloads that are there.</summary>
internal sealed class FaultsRule : IModelRule
{
    public void Check(MeshModel model, ProblemList problems) => Check(model, model.Faults, problems);

    public static void Check(MeshModel model, IReadOnlyCollection<FaultRule> faults, ProblemList problems)
    {
        if (faults.Count > 0 && !model.ChaosEnabled)
        {
            problems.Add(MeshDiagnostics.ChaosDisabled, $"Faults are off in mesh '{model.Name}'. Turn them on with .WithChaos(), or start the AppHost with --Mesh:Chaos=true.");
            return;
        }
        foreach (var same in faults.GroupBy(f => f.Id).Where(g => g.Count() > 1))
        {
            problems.Add(MeshDiagnostics.DuplicateName, $"The fault '{same.Key}' is there {same.Count()} times. Give one another id.");
        }
        foreach (var rule in faults)
        {
            FaultChecks.Check(rule, problems);
            CheckNames(model, rule, problems);
        }
    }

    private static void CheckNames(MeshModel model, FaultRule rule, ProblemList problems)
    {
        var subject = $"Fault '{rule.Id}'";
        var callee = model.Workloads.FirstOrDefault(w => w.Name == rule.To);
        if (rule.From is { } from && model.Workloads.All(w => w.Name != from)) problems.Add(MeshDiagnostics.UnknownWorkload, $"{subject}: the workload '{from}' is not in the mesh. {Names(model)}");
        if (rule.To is { } to && callee is null && model.ExternalServices.All(e => e.Name != to)) problems.Add(MeshDiagnostics.UnknownWorkload, $"{subject}: the workload '{to}' is not in the mesh. {Names(model)}");
        if (rule.Endpoint is { } endpoint && callee is not null && callee.Endpoints.All(e => e.Name != endpoint))
        {
            problems.Add(MeshDiagnostics.UnknownEndpoint, $"{subject}: the workload '{rule.To}' has no endpoint '{endpoint}'. It has: {string.Join(", ", callee.Endpoints.Select(e => e.Name))}.");
        }
        if (rule is { From: not null, To: not null } && callee is not null && model.Edges.All(e => e.From != rule.From || e.To != rule.To))
        {
            problems.Add(MeshDiagnostics.NoEdge, $"{subject}: '{rule.From}' has no reference to '{rule.To}', so it could never fire. See the edges with: aspiremesh routes");
        }
    }

    private static string Names(MeshModel model) => $"There are: {string.Join(", ", model.Workloads.Select(w => w.Name).Order().Take(20))}.";
}
