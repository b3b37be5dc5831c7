using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting;

/// <summary>Adds programs.</summary>
public static class ExecutableResourceBuilderExtensions
{
    /// <summary>A program; <paramref name="workingDirectory"/> is relative to the AppHost's folder.</summary>
    public static IResourceBuilder<ExecutableResource> AddExecutable(this IDistributedApplicationBuilder builder, [ResourceName] string name, string command, string workingDirectory, params string[]? args) =>
        builder.AddExecutable(name, command, workingDirectory, (object[]?)args);

    /// <summary>A program whose arguments may be values that are resolved late.</summary>
    public static IResourceBuilder<ExecutableResource> AddExecutable(this IDistributedApplicationBuilder builder, [ResourceName] string name, string command, string workingDirectory, params object[]? args)
    {
        ArgumentNullException.ThrowIfNull(workingDirectory);
        var directory = Path.GetFullPath(workingDirectory, builder.AppHostDirectory);
        var resource = builder.AddResource(new ExecutableResource(name, command, directory));
        return args is { Length: > 0 } ? resource.WithArgs(args) : resource;
    }

    /// <summary>Replaces the program.</summary>
    public static IResourceBuilder<T> WithCommand<T>(this IResourceBuilder<T> builder, string command) where T : ExecutableResource
    {
        ArgumentException.ThrowIfNullOrEmpty(command);
        return builder.WithAnnotation(new ExecutableAnnotation { Command = command, WorkingDirectory = builder.Resource.WorkingDirectory }, ResourceAnnotationMutationBehavior.Replace);
    }

    /// <summary>Replaces the folder it runs in, relative to the AppHost's.</summary>
    public static IResourceBuilder<T> WithWorkingDirectory<T>(this IResourceBuilder<T> builder, string workingDirectory) where T : ExecutableResource
    {
        var directory = Path.GetFullPath(workingDirectory, builder.ApplicationBuilder.AppHostDirectory);
        return builder.WithAnnotation(new ExecutableAnnotation { Command = builder.Resource.Command, WorkingDirectory = directory }, ResourceAnnotationMutationBehavior.Replace);
    }
}
