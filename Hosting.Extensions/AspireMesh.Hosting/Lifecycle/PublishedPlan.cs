using AspireMesh.Hosting.Planning;

namespace AspireMesh.Hosting.Lifecycle;

/// <summary>Carries a plan out on resources that are published: fixed ports, and values that name the sidecar's listeners.</summary>
internal static class PublishedPlan
{
    /// <summary>Changes the resources before the host works out what is deployed.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="throughSidecars">Whether our sidecars are in the pods: without them, callers keep each other's addresses.</param>
    public static void Apply(MeshPlan plan, bool throughSidecars)
    {
        foreach (var workload in plan.Workloads.Select(w => w.Resource))
        {
            foreach (var (name, port) in ClusterPorts.Of(workload))
            {
                var endpoint = workload.Annotations.OfType<EndpointAnnotation>().First(e => string.Equals(e.Name, name, StringComparison.OrdinalIgnoreCase));
                if (ClusterPorts.Reached(workload, endpoint) == endpoint) endpoint.TargetPort ??= port;
            }
        }
        if (!throughSidecars) return;
        foreach (var workload in plan.Workloads.Where(w => w.Egress is not null)) EgressVariables.Add(workload.Resource, workload.Egress!);
        foreach (var edges in plan.Edges.GroupBy(e => e.From)) Rewrite(edges.Key, new ValueRewriter([.. edges], literal: true));
    }

    private static void Rewrite(IResource caller, ValueRewriter rewriter)
    {
        caller.Annotations.Add(new EnvironmentCallbackAnnotation(context =>
        {
            foreach (var (name, value) in context.EnvironmentVariables.ToArray())
            {
                // The host drops these, and would not know them once they are text.
                if (value is EndpointReference { Scheme: "https" } && name.StartsWith("services__", StringComparison.Ordinal) && name.Contains("__https__", StringComparison.Ordinal)) continue;
                context.EnvironmentVariables[name] = rewriter.Rewrite(value);
            }
        }));
        caller.Annotations.Add(new CommandLineArgsCallbackAnnotation(arguments =>
        {
            for (var i = 0; i < arguments.Count; i++) arguments[i] = rewriter.Rewrite(arguments[i]);
        }));
    }
}

/// <summary>Says, on the mesh, that it is published and how.</summary>
/// <param name="ThroughSidecars">Whether our sidecars are in the pods.</param>
internal sealed record MeshPublishedAnnotation(bool ThroughSidecars) : IResourceAnnotation;
