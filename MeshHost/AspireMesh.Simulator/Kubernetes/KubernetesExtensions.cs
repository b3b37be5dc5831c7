using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Kubernetes;

namespace Aspire.Hosting
{
    /// <summary>Publishes an application to Kubernetes.</summary>
    public static class KubernetesEnvironmentExtensions
    {
        /// <summary>Adds a cluster. In run mode it is not part of the model.</summary>
        public static IResourceBuilder<KubernetesEnvironmentResource> AddKubernetesEnvironment(this IDistributedApplicationBuilder builder, [ResourceName] string name)
        {
            ArgumentNullException.ThrowIfNull(builder);
            var resource = new KubernetesEnvironmentResource(name) { ChartName = ChartName(builder.Environment.ApplicationName) };
            return builder.ExecutionContext.IsRunMode ? builder.CreateResourceBuilder(resource) : builder.AddResource(resource);
        }

        /// <summary>Sets how it is published.</summary>
        public static IResourceBuilder<KubernetesEnvironmentResource> WithProperties(this IResourceBuilder<KubernetesEnvironmentResource> builder, Action<KubernetesEnvironmentResource> configure)
        {
            ArgumentNullException.ThrowIfNull(configure);
            configure(builder.Resource);
            return builder;
        }

        /// <summary>Sets what the chart says about itself.</summary>
        public static IResourceBuilder<KubernetesEnvironmentResource> WithHelm(this IResourceBuilder<KubernetesEnvironmentResource> builder, Action<HelmChartOptions> configure)
        {
            ArgumentNullException.ThrowIfNull(configure);
            configure(new HelmChartOptions(builder.Resource));
            return builder;
        }

        /// <summary>Whether a dashboard is deployed; <see langword="true"/> needs Aspire's packages.</summary>
        public static IResourceBuilder<KubernetesEnvironmentResource> WithDashboard(this IResourceBuilder<KubernetesEnvironmentResource> builder, bool enabled = true)
        {
            if (enabled) throw new DistributedApplicationException("The simulator deploys no dashboard. Write .WithDashboard(false), or build with AspireHosting=packages.");
            builder.Resource.DashboardEnabled = false;
            return builder;
        }

        private static string ChartName(string application) => application.ToLowerInvariant().Replace('_', '-').Replace('.', '-');
    }

    /// <summary>Changes what is written for a resource.</summary>
    public static class KubernetesServiceExtensions
    {
        /// <summary>Changes the objects of a resource before they are written.</summary>
        public static IResourceBuilder<T> PublishAsKubernetesService<T>(this IResourceBuilder<T> builder, Action<KubernetesResource> configure) where T : IComputeResource
        {
            ArgumentNullException.ThrowIfNull(configure);
            return builder.ApplicationBuilder.ExecutionContext.IsPublishMode ? builder.WithAnnotation(new KubernetesServiceCustomizationAnnotation(configure)) : builder;
        }
    }
}

namespace Aspire.Hosting.Kubernetes
{
    /// <summary>What a chart says about itself.</summary>
    public sealed class HelmChartOptions
    {
        private readonly KubernetesEnvironmentResource _environment;

        internal HelmChartOptions(KubernetesEnvironmentResource environment) => _environment = environment;

        /// <summary>Its name.</summary>
        public HelmChartOptions WithChartName(string name)
        {
            _environment.ChartName = name;
            return this;
        }

        /// <summary>Its version.</summary>
        public HelmChartOptions WithChartVersion(string version)
        {
            _environment.ChartVersion = version;
            return this;
        }

        /// <summary>A sentence about it.</summary>
        public HelmChartOptions WithChartDescription(string description)
        {
            _environment.ChartDescription = description;
            return this;
        }
    }
}
