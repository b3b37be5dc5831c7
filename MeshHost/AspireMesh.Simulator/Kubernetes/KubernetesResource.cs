using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Kubernetes.Resources;
using AspireMesh.Simulator.Kubernetes;

namespace Aspire.Hosting.Kubernetes;

/// <summary>The objects that stand for one resource in a cluster.</summary>
public class KubernetesResource(string name, IResource resource, KubernetesEnvironmentResource kubernetesEnvironmentResource) : Resource(name), IResourceWithParent<KubernetesEnvironmentResource>
{
    /// <inheritdoc/>
    public KubernetesEnvironmentResource Parent { get; } = kubernetesEnvironmentResource;

    /// <summary>What runs its pods.</summary>
    public Workload? Workload { get; set; }

    /// <summary>Its settings.</summary>
    public ConfigMap? ConfigMap { get; set; }

    /// <summary>Its secret settings.</summary>
    public Secret? Secret { get; set; }

    /// <summary>Its name in the cluster.</summary>
    public Service? Service { get; set; }

    /// <summary>Other objects of its own.</summary>
    public List<BaseKubernetesResource> AdditionalResources { get; } = [];

    internal IResource Target { get; } = resource;

    internal Dictionary<string, string> Labels { get; set; } = [];

    internal HelmValues Values { get; } = new(resource.Name);

    internal Dictionary<string, EndpointMapping> Endpoints { get; } = new(StringComparer.OrdinalIgnoreCase);

    internal IEnumerable<BaseKubernetesResource> Templates()
    {
        foreach (var template in new BaseKubernetesResource?[] { Workload, ConfigMap, Secret, Service })
        {
            if (template is not null) yield return template;
        }

        foreach (var template in AdditionalResources)
        {
            foreach (var (key, value) in Labels) template.Metadata.Labels.TryAdd(key, value);
            yield return template;
        }
    }
}

/// <summary>Changes the objects of a resource before they are written.</summary>
public sealed class KubernetesServiceCustomizationAnnotation(Action<KubernetesResource> configure) : IResourceAnnotation
{
    /// <summary>Changes them.</summary>
    public Action<KubernetesResource> Configure { get; } = configure ?? throw new ArgumentNullException(nameof(configure));
}
