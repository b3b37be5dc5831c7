namespace Aspire.Hosting.ApplicationModel;

/// <summary>A .NET project that runs as a process.</summary>
public class ProjectResource(string name) : Resource(name), IResourceWithEnvironment, IResourceWithArgs, IResourceWithServiceDiscovery, IResourceWithWaitSupport,
    IResourceWithProbes, IComputeResource, IContainerFilesDestinationResource;

/// <summary>A program that runs as a process.</summary>
public class ExecutableResource : Resource, IResourceWithEnvironment, IResourceWithArgs, IResourceWithEndpoints, IResourceWithWaitSupport, IResourceWithProbes, IComputeResource
{
    /// <summary>Runs <paramref name="command"/> in <paramref name="workingDirectory"/>.</summary>
    public ExecutableResource(string name, string command, string workingDirectory) : base(name)
    {
        ArgumentException.ThrowIfNullOrEmpty(command);
        ArgumentNullException.ThrowIfNull(workingDirectory);
        Annotations.Add(new ExecutableAnnotation { Command = command, WorkingDirectory = workingDirectory });
    }

    /// <summary>The program: a path, or a name found on PATH.</summary>
    public string Command => Last.Command;

    /// <summary>Where it runs.</summary>
    public string WorkingDirectory => Last.WorkingDirectory;

    private ExecutableAnnotation Last => Annotations.OfType<ExecutableAnnotation>().Last();
}

/// <summary>An image that runs in a container engine.</summary>
public class ContainerResource(string name, string? entrypoint = null) : Resource(name), IResourceWithEnvironment, IResourceWithArgs, IResourceWithEndpoints,
    IResourceWithWaitSupport, IResourceWithProbes, IComputeResource
{
    /// <summary>Replaces the image's entry point; null keeps it.</summary>
    public string? Entrypoint { get; set; } = entrypoint;
}

/// <summary>The resources of an application.</summary>
public class DistributedApplicationModel
{
    /// <summary>A model over <paramref name="resources"/>, which stays the caller's.</summary>
    public DistributedApplicationModel(IResourceCollection resources) => Resources = resources ?? throw new ArgumentNullException(nameof(resources));

    /// <summary>A model of its own.</summary>
    public DistributedApplicationModel(IEnumerable<IResource> resources) : this(new ResourceCollection(resources))
    {
    }

    /// <summary>The resources.</summary>
    public IResourceCollection Resources { get; }
}

/// <summary>Picks resources out of a model.</summary>
public static class DistributedApplicationModelExtensions
{
    /// <summary>What a deployment runs: containers and projects that are not left out of it.</summary>
    public static IEnumerable<IResource> GetComputeResources(this DistributedApplicationModel model) =>
        model.Resources.Where(r => !r.IsExcludedFromPublish() && (r.IsContainer() || r is ProjectResource));
}

/// <summary>Picks containers.</summary>
public static class ContainerResourceExtensions
{
    /// <summary>The resources that run as containers.</summary>
    public static IEnumerable<IResource> GetContainerResources(this DistributedApplicationModel model) => model.Resources.Where(IsContainer);

    /// <summary>Whether it runs as a container.</summary>
    public static bool IsContainer(this IResource resource) => resource.Annotations.OfType<ContainerImageAnnotation>().Any();
}

/// <summary>Picks executables.</summary>
public static class ExecutableResourceExtensions
{
    /// <summary>The executables.</summary>
    public static IEnumerable<ExecutableResource> GetExecutableResources(this DistributedApplicationModel model) => model.Resources.OfType<ExecutableResource>();
}

/// <summary>Picks projects.</summary>
public static class ProjectResourceExtensions
{
    /// <summary>The projects.</summary>
    public static IEnumerable<ProjectResource> GetProjectResources(this DistributedApplicationModel model) => model.Resources.OfType<ProjectResource>();

    /// <summary>Where the project is.</summary>
    public static IProjectMetadata GetProjectMetadata(this ProjectResource projectResource) => projectResource.Annotations.OfType<IProjectMetadata>().Single();
}
