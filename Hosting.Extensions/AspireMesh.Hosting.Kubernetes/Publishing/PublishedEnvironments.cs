using Aspire.Hosting.Pipelines;
using Microsoft.Extensions.DependencyInjection;

namespace AspireMesh.Hosting.Kubernetes.Publishing;

/// <summary>What the mesh is published as.</summary>
/// <param name="Backend">As which mesh.</param>
/// <param name="ThroughSidecars">Whether our sidecars are in the pods.</param>
internal sealed record MeshBackendAnnotation(MeshBackend Backend, bool ThroughSidecars) : IResourceAnnotation;

/// <summary>The Kubernetes environments of an AppHost. Known by their type's name: Aspire's package of them is a preview that a consumer need not have.</summary>
internal static class PublishedEnvironments
{
    private const string TypeName = "Aspire.Hosting.Kubernetes.KubernetesEnvironmentResource";

    /// <summary>All of them.</summary>
    public static IEnumerable<IComputeEnvironmentResource> In(DistributedApplicationModel model) =>
        model.Resources.OfType<IComputeEnvironmentResource>().Where(r => r.GetType().FullName == TypeName);

    /// <summary>Where an environment's chart is: the output itself, or a folder of its own where there are several.</summary>
    public static string Folder(PipelineStepContext context, IComputeEnvironmentResource environment)
    {
        var output = context.Services.GetRequiredService<IPipelineOutputService>();
        return context.Model.Resources.OfType<IComputeEnvironmentResource>().Count() > 1 ? output.GetOutputDirectory(environment) : output.GetOutputDirectory();
    }
}
