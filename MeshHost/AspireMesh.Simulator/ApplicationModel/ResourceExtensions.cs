using System.Diagnostics.CodeAnalysis;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>Reads what is attached to resources.</summary>
public static class ResourceExtensions
{
    /// <summary>The last annotation of that type.</summary>
    public static bool TryGetLastAnnotation<T>(this IResource resource, [NotNullWhen(true)] out T? annotation) where T : IResourceAnnotation
    {
        annotation = resource.Annotations.OfType<T>().LastOrDefault();
        return annotation is not null;
    }

    /// <summary>All annotations of that type; false when there is none.</summary>
    public static bool TryGetAnnotationsOfType<T>(this IResource resource, [NotNullWhen(true)] out IEnumerable<T>? result) where T : IResourceAnnotation
    {
        var found = resource.Annotations.OfType<T>().ToArray();
        result = found.Length > 0 ? found : null;
        return result is not null;
    }

    /// <summary>Whether there is an annotation of that type.</summary>
    public static bool HasAnnotationOfType<T>(this IResource resource) where T : IResourceAnnotation => resource.Annotations.OfType<T>().Any();

    /// <summary>All annotations of that type on the resource and on what it belongs to.</summary>
    public static bool TryGetAnnotationsIncludingAncestorsOfType<T>(this IResource resource, [NotNullWhen(true)] out IEnumerable<T>? result) where T : IResourceAnnotation
    {
        var found = new List<T>();
        for (IResource? at = resource; at is not null; at = (at as IResourceWithParent)?.Parent)
        {
            found.AddRange(at.Annotations.OfType<T>());
        }

        result = found.Count > 0 ? found : null;
        return result is not null;
    }

    /// <summary>Whether the resource or what it belongs to has an annotation of that type.</summary>
    public static bool HasAnnotationIncludingAncestorsOfType<T>(this IResource resource) where T : IResourceAnnotation =>
        resource.TryGetAnnotationsIncludingAncestorsOfType<T>(out _);

    /// <summary>The endpoints.</summary>
    public static bool TryGetEndpoints(this IResource resource, [NotNullWhen(true)] out IEnumerable<EndpointAnnotation>? endpoints) =>
        resource.TryGetAnnotationsOfType(out endpoints);

    /// <summary>The environment callbacks.</summary>
    public static bool TryGetEnvironmentVariables(this IResource resource, [NotNullWhen(true)] out IEnumerable<EnvironmentCallbackAnnotation>? environmentVariables) =>
        resource.TryGetAnnotationsOfType(out environmentVariables);

    /// <summary>The extra URLs.</summary>
    public static bool TryGetUrls(this IResource resource, [NotNullWhen(true)] out IEnumerable<ResourceUrlAnnotation>? urls) => resource.TryGetAnnotationsOfType(out urls);

    /// <summary>The mounts.</summary>
    public static bool TryGetContainerMounts(this IResource resource, [NotNullWhen(true)] out IEnumerable<ContainerMountAnnotation>? volumeMounts) =>
        resource.TryGetAnnotationsOfType(out volumeMounts);

    /// <summary>The full image name, registry and tag included.</summary>
    public static bool TryGetContainerImageName(this IResource resource, [NotNullWhen(true)] out string? imageName)
    {
        imageName = null;
        if (!resource.TryGetLastAnnotation<ContainerImageAnnotation>(out var image))
        {
            return false;
        }

        var registry = image.Registry is null ? "" : image.Registry + "/";
        var suffix = image.SHA256 is not null ? "@sha256:" + image.SHA256 : image.Tag is not null ? ":" + image.Tag : "";
        imageName = registry + image.Image + suffix;
        return true;
    }

    /// <summary>The endpoint with that name; it need not exist yet.</summary>
    public static EndpointReference GetEndpoint(this IResourceWithEndpoints resource, [EndpointName] string endpointName) => new(resource, endpointName);

    /// <summary>The endpoint with that name, seen from a network.</summary>
    public static EndpointReference GetEndpoint(this IResourceWithEndpoints resource, [EndpointName] string endpointName, NetworkIdentifier contextNetworkId) =>
        new(resource, endpointName, contextNetworkId);

    /// <summary>The endpoints there are.</summary>
    public static IEnumerable<EndpointReference> GetEndpoints(this IResourceWithEndpoints resource) =>
        resource.Annotations.OfType<EndpointAnnotation>().Select(e => new EndpointReference(resource, e));

    /// <summary>The endpoints there are, seen from a network.</summary>
    public static IEnumerable<EndpointReference> GetEndpoints(this IResourceWithEndpoints resource, NetworkIdentifier contextNetworkId) =>
        resource.Annotations.OfType<EndpointAnnotation>().Select(e => new EndpointReference(resource, e, contextNetworkId));

    /// <summary>How many processes run it.</summary>
    public static int GetReplicaCount(this IResource resource) => resource.TryGetLastAnnotation<ReplicaAnnotation>(out var replicas) ? replicas.Replicas : 1;

    /// <summary>Whether manifests leave it out.</summary>
    public static bool IsExcludedFromPublish(this IResource resource) =>
        resource.TryGetLastAnnotation<ManifestPublishingCallbackAnnotation>(out var callback) && callback == ManifestPublishingCallbackAnnotation.Ignore;

    /// <summary>Where it is deployed to; null before the deployment's prepare step.</summary>
    public static DeploymentTargetAnnotation? GetDeploymentTargetAnnotation(this IResource resource, IComputeEnvironmentResource? targetComputeEnvironment = null) =>
        resource.Annotations.OfType<DeploymentTargetAnnotation>().LastOrDefault(t => targetComputeEnvironment is null || t.ComputeEnvironment == targetComputeEnvironment);
}
