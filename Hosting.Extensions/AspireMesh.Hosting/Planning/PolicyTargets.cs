using AspireMesh.Hosting.Annotations;
using AspireMesh.Protocol.Diagnostics;

namespace AspireMesh.Hosting.Planning;

/// <summary>Whether what the AppHost says policies on is there.</summary>
internal sealed class PolicyTargets(PlanRequest request, List<MeshProblem> errors)
{
    /// <summary>Whether a change is about an edge. A child (a database) stands for its parent.</summary>
    public static bool Matches(MeshEdgeAnnotation change, IResource from, IResource to, string endpoint) =>
        (change.From is null || Owner(change.From).Name == from.Name)
        && (change.To is null || Owner(change.To).Name == to.Name)
        && (change.Endpoint is null || string.Equals(change.Endpoint, endpoint, StringComparison.OrdinalIgnoreCase));

    /// <summary>Reports policies on edges and resources that are not there.</summary>
    /// <param name="workloads">The resources in the mesh.</param>
    /// <param name="edges">The references that lead through it.</param>
    /// <param name="past">Those that do not, of which the user is told already.</param>
    public void Check(IEnumerable<IResource> workloads, IEnumerable<EdgePlan> edges, IReadOnlyCollection<(IResource From, IResource To)> past)
    {
        var known = edges.ToArray();
        var inMesh = workloads.ToHashSet();
        foreach (var change in request.Mesh.Annotations.OfType<MeshEdgeAnnotation>().DistinctBy(c => (c.From, c.To, c.Endpoint)))
        {
            if (change.From is null || known.Any(e => Matches(change, e.From, e.To, e.Endpoint?.Name ?? ""))) continue;
            if (past.Any(p => Matches(change, p.From, p.To, change.Endpoint ?? ""))) continue;
            if (change.Endpoint is null && known.Any(e => Matches(change, e.From, e.To, ""))) continue;
            var endpoint = change.Endpoint is null ? "" : $" at its endpoint '{change.Endpoint}'";
            errors.Add(MeshDiagnostics.NoEdge.Found($"The AppHost says policies on the edge from '{change.From.Name}' to '{change.To!.Name}'{endpoint}, and '{change.From.Name}' has no reference there. Write .WithReference({change.To.Name}) on '{change.From.Name}', or remove mesh.Edge({change.From.Name}, {change.To.Name})."));
        }
        foreach (var resource in request.Resources.Where(r => r.Annotations.OfType<MeshWorkloadAnnotation>().Any() && !inMesh.Contains(r)))
        {
            var why = Participants.IsOutside(resource, out var reason) ? $"is outside the mesh ({reason})" : "has no sidecar: it has neither an endpoint nor a reference";
            errors.Add(MeshDiagnostics.PolicyOutsideTheMesh.Found($"'{resource.Name}' has mesh policies and {why}. Remove the policies, or write .WithMesh() last."));
        }
    }

    private static IResource Owner(IResource resource) => resource is IResourceWithParent child ? Owner(child.Parent) : resource;
}
