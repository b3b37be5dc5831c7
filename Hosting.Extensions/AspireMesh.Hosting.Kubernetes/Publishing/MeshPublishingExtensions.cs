using Aspire.Hosting.Pipelines;
using AspireMesh.Hosting;
using AspireMesh.Hosting.Kubernetes;
using AspireMesh.Hosting.Kubernetes.Publishing;
using AspireMesh.Hosting.Lifecycle;
using AspireMesh.Protocol.Diagnostics;

namespace Aspire.Hosting;

/// <summary>Publishes the mesh with the application.</summary>
public static class MeshPublishingExtensions
{
    /// <summary>
    /// Publishes the mesh into the chart of the AppHost's Kubernetes environment: as our sidecars, or as another mesh's resources. The report says what became of
    /// each policy. The configuration key <c>Mesh:PublishTo</c> wins over what is said here; <c>--strict</c> turns any loss into an error. Does nothing in run mode.
    /// </summary>
    /// <param name="mesh">The mesh.</param>
    /// <param name="backend">What it is published as.</param>
    /// <param name="keepSidecars">Whether our sidecars stay beside another mesh's for what that mesh lacks.</param>
    /// <exception cref="MeshValidationException"><c>Mesh:PublishTo</c> names no mesh.</exception>
    public static IResourceBuilder<MeshResource> PublishMeshTo(this IResourceBuilder<MeshResource> mesh, MeshBackend backend, bool keepSidecars = false)
    {
        ArgumentNullException.ThrowIfNull(mesh);
        var application = mesh.ApplicationBuilder;
        if (application.ExecutionContext.IsRunMode) return mesh;
        if (application.Configuration["Mesh:PublishTo"] is { Length: > 0 } text && (!Enum.TryParse(text, ignoreCase: true, out backend) || !Enum.IsDefined(backend)))
        {
            throw new MeshValidationException([MeshDiagnostics.BadMeshSetting.Found($"The setting Mesh:PublishTo is '{text}'. Write one of {string.Join(", ", Enum.GetNames<MeshBackend>())}, for example --Mesh:PublishTo=Istio.")]);
        }
        if (!mesh.Resource.Annotations.OfType<MeshBackendAnnotation>().Any()) AddStep(mesh);
        var through = keepSidecars || backend == MeshBackend.AspireMesh;
        return mesh.WithAnnotation(new MeshBackendAnnotation(backend, through), ResourceAnnotationMutationBehavior.Replace)
            .WithAnnotation(new MeshPublishedAnnotation(through), ResourceAnnotationMutationBehavior.Replace);
    }

    private static void AddStep(IResourceBuilder<MeshResource> mesh)
    {
        var step = new PipelineStep
        {
            Name = $"publish-{mesh.Resource.Name}",
            Description = "Puts the mesh into the chart.",
            Action = context => new MeshPublisher(mesh.Resource, context).PublishAsync(),
            DependsOnSteps = [WellKnownPipelineSteps.PublishPrereq],
            RequiredBySteps = [WellKnownPipelineSteps.Publish],
        };
        mesh.ApplicationBuilder.Pipeline.AddStep(step);
        mesh.ApplicationBuilder.Pipeline.AddPipelineConfiguration(context =>
        {
            // The chart is there once the environments have written theirs.
            foreach (var environment in PublishedEnvironments.In(context.Model)) step.DependsOn($"publish-{environment.Name}");
            return Task.CompletedTask;
        });
    }
}
