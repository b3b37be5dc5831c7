using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Pipelines;
using AspireMesh.Simulator.Kubernetes;

namespace Aspire.Hosting.Kubernetes;

/// <summary>A cluster that the application is published to, as a chart.</summary>
public sealed class KubernetesEnvironmentResource : Resource, IComputeEnvironmentResource
{
    /// <summary>With its steps: preparing what is deployed, and writing the chart.</summary>
    public KubernetesEnvironmentResource(string name) : base(name)
    {
        Annotations.Add(new PipelineStepAnnotation(_ => (IEnumerable<PipelineStep>)
        [
            new PipelineStep
            {
                Name = $"prepare-deployment-targets-{Name}",
                Description = $"Works out the objects for {Name}.",
                Action = context => new DeploymentTargets(this).PrepareAsync(context),
                DependsOnSteps = [WellKnownPipelineSteps.ValidateComputeEnvironments],
                RequiredBySteps = [WellKnownPipelineSteps.BeforeStart],
            },
            new PipelineStep
            {
                Name = $"publish-{Name}",
                Description = $"Writes the chart for {Name}.",
                Action = context => new ChartWriter(this).WriteAsync(context),
                DependsOnSteps = [WellKnownPipelineSteps.PublishPrereq],
                RequiredBySteps = [WellKnownPipelineSteps.Publish],
            },
        ]));
    }

    /// <summary>Whether a dashboard is deployed. The simulator writes none; Aspire's package does.</summary>
    public bool DashboardEnabled { get; set; }

    /// <summary>The images' pull policy. Default <c>IfNotPresent</c>.</summary>
    public string DefaultImagePullPolicy { get; set; } = "IfNotPresent";

    /// <summary>The Services' type. Default <c>ClusterIP</c>.</summary>
    public string DefaultServiceType { get; set; } = "ClusterIP";

    internal string ChartName { get; set; } = "aspire";

    internal string ChartVersion { get; set; } = "0.1.0";

    internal string ChartDescription { get; set; } = "Aspire Helm Chart";
}
