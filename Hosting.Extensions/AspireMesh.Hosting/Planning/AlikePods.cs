using System.Globalization;
using AspireMesh.Hosting.Annotations;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Model;

namespace AspireMesh.Hosting.Planning;

/// <summary>The pods of a chart come from one template: what the AppHost says of single replicas cannot be written there.</summary>
internal static class AlikePods
{
    /// <summary>The workload with everything that the AppHost says of it.</summary>
    public static WorkloadModel Changed(IResource resource, WorkloadModel planned) =>
        resource.Annotations.OfType<MeshWorkloadAnnotation>().Aggregate(planned, (model, annotation) => annotation.Change(model));

    /// <summary>What the chart loses of the replicas' own weights and labels; null where they are alike.</summary>
    /// <param name="resource">The resource.</param>
    /// <param name="planned">The workload before the AppHost's changes, with the one sidecar that a template has.</param>
    public static MeshProblem? Differences(IResource resource, WorkloadModel planned)
    {
        if (!resource.TryGetLastAnnotation<ReplicaAnnotation>(out var replicas) || replicas.Replicas < 2) return null;
        // As on the laptop, where each replica has a sidecar of its own to be changed.
        var sidecars = Changed(resource, planned with { Sidecars = [.. Enumerable.Repeat(planned.Sidecars[0], replicas.Replicas)] }).Sidecars;
        var said = sidecars.Select(Text).ToArray();
        if (said.Distinct().Count() < 2) return null;
        return MeshDiagnostics.PublishNotice.Found($"The replicas of '{resource.Name}' differ ({string.Join("; ", said)}), and the pods of a chart are alike: each has {said[0]}. Make each kind a resource of its own and write mesh.Edge(…).WithTrafficSplit(…), or set the weights of single pods with: aspiremesh policies apply FILE");
    }

    private static string Text(SidecarModel sidecar) =>
        string.Join(", ", sidecar.Labels.OrderBy(l => l.Key, StringComparer.Ordinal).Select(l => $"{l.Key}={l.Value}").Prepend($"weight {sidecar.Weight.ToString(CultureInfo.InvariantCulture)}"));
}
