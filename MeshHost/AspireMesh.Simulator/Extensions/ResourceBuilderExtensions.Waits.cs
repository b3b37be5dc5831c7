using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting;

public static partial class ResourceBuilderExtensions
{
    /// <summary>Starts after <paramref name="dependency"/> runs and is healthy.</summary>
    public static IResourceBuilder<T> WaitFor<T>(this IResourceBuilder<T> builder, IResourceBuilder<IResource> dependency) where T : IResourceWithWaitSupport =>
        Wait(builder, dependency.Resource, WaitType.WaitUntilHealthy, null);

    /// <summary>Starts after <paramref name="dependency"/> runs and is healthy.</summary>
    public static IResourceBuilder<T> WaitFor<T>(this IResourceBuilder<T> builder, IResourceBuilder<IResource> dependency, WaitBehavior waitBehavior) where T : IResourceWithWaitSupport =>
        Wait(builder, dependency.Resource, WaitType.WaitUntilHealthy, waitBehavior);

    /// <summary>Starts after <paramref name="dependency"/> runs.</summary>
    public static IResourceBuilder<T> WaitForStart<T>(this IResourceBuilder<T> builder, IResourceBuilder<IResource> dependency) where T : IResourceWithWaitSupport =>
        Wait(builder, dependency.Resource, WaitType.WaitUntilStarted, null);

    /// <summary>Starts after <paramref name="dependency"/> runs.</summary>
    public static IResourceBuilder<T> WaitForStart<T>(this IResourceBuilder<T> builder, IResourceBuilder<IResource> dependency, WaitBehavior waitBehavior) where T : IResourceWithWaitSupport =>
        Wait(builder, dependency.Resource, WaitType.WaitUntilStarted, waitBehavior);

    /// <summary>Starts after <paramref name="dependency"/> has ended with that exit code.</summary>
    public static IResourceBuilder<T> WaitForCompletion<T>(this IResourceBuilder<T> builder, IResourceBuilder<IResource> dependency, int exitCode = 0) where T : IResourceWithWaitSupport =>
        Wait(builder, dependency.Resource, WaitType.WaitForCompletion, null, exitCode);

    private static IResourceBuilder<T> Wait<T>(IResourceBuilder<T> builder, IResource dependency, WaitType type, WaitBehavior? behavior, int exitCode = 0) where T : IResource
    {
        var resource = (IResource)builder.Resource;
        if (resource == dependency)
        {
            throw new DistributedApplicationException($"The '{resource.Name}' resource cannot wait for itself.");
        }

        if (resource is IResourceWithParent child && child.Parent == dependency)
        {
            throw new DistributedApplicationException($"The '{resource.Name}' resource cannot wait for its parent '{dependency.Name}'.");
        }

        if (dependency is IResourceWithParent { Parent: var parent } && parent != resource)
        {
            Wait(builder, parent, type, behavior, exitCode);
        }

        builder.WithRelationship(dependency, "WaitFor");
        return builder.WithAnnotation(new WaitAnnotation(dependency, type, exitCode) { WaitBehavior = behavior });
    }
}
