using AspireMesh.Hosting.Annotations;

namespace AspireMesh.Hosting.Planning;

/// <summary>Which resources can take part: those with a process of their own.</summary>
internal static class Participants
{
    /// <summary>The resource that Aspire adds for its own dashboard.</summary>
    public const string Dashboard = "aspire-dashboard";

    /// <summary>Aspire adds a hidden executable for every project, to build it again.</summary>
    private const string Rebuilder = "-rebuilder";

    /// <summary>Whether a resource is one that has a sidecar if it has an endpoint or makes a call.</summary>
    public static bool CanTakePart(IResource resource)
    {
        if (resource is IMeshSidecarResource or MeshControlResource or MeshResource || resource.Name == Dashboard) return false;
        if (IsOutside(resource, out _)) return false;
        if (resource.Annotations.OfType<MeshOptInAnnotation>().Any()) return true;
        if (resource.Name.EndsWith(Rebuilder, StringComparison.Ordinal) && resource.Annotations.OfType<ExplicitStartupAnnotation>().Any()) return false;
        return resource is ProjectResource or ExecutableResource || IsContainer(resource);
    }

    /// <summary>Whether it is deployed to a cluster: projects and containers are, programs of this machine are not.</summary>
    public static bool IsDeployed(IResource resource) => !resource.IsExcludedFromPublish() && (resource is ProjectResource || IsContainer(resource));

    /// <summary>Whether it runs in a container.</summary>
    public static bool IsContainer(IResource resource) => resource is ContainerResource || resource.Annotations.OfType<ContainerImageAnnotation>().Any();

    /// <summary>Whether it was kept outside, and why.</summary>
    public static bool IsOutside(IResource resource, out string reason)
    {
        var found = resource.TryGetLastAnnotation<MeshOptOutAnnotation>(out var optOut);
        reason = optOut?.Reason ?? "";
        return found;
    }
}
