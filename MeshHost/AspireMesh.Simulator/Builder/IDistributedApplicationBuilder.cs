using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;
using Aspire.Hosting.Pipelines;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting;

/// <summary>Describes an application.</summary>
public interface IDistributedApplicationBuilder
{
    /// <summary>Configuration: ASPIRE_ variables, the usual sources, the command line; the last wins.</summary>
    ConfigurationManager Configuration { get; }

    /// <summary>The AppHost's folder; relative paths start here.</summary>
    string AppHostDirectory { get; }

    /// <summary>The AppHost's assembly.</summary>
    Assembly? AppHostAssembly { get; }

    /// <summary>The AppHost's environment.</summary>
    IHostEnvironment Environment { get; }

    /// <summary>The AppHost's services.</summary>
    IServiceCollection Services { get; }

    /// <summary>The application's events.</summary>
    IDistributedApplicationEventing Eventing { get; }

    /// <summary>Run or publish.</summary>
    DistributedApplicationExecutionContext ExecutionContext { get; }

    /// <summary>The steps of publishing.</summary>
    [Experimental("ASPIREPIPELINES001")]
    IDistributedApplicationPipeline Pipeline { get; }

    /// <summary>The resources so far.</summary>
    IResourceCollection Resources { get; }

    /// <summary>Adds a resource. Throws <see cref="DistributedApplicationException"/> where the name is taken or not allowed.</summary>
    IResourceBuilder<T> AddResource<T>(T resource) where T : IResource;

    /// <summary>A builder for a resource that is not added.</summary>
    IResourceBuilder<T> CreateResourceBuilder<T>(T resource) where T : IResource;

    /// <summary>Builds the application. Throws where the description cannot work.</summary>
    DistributedApplication Build();
}

/// <summary>Finds resources of a builder.</summary>
public static class DistributedApplicationBuilderExtensions
{
    /// <summary>A builder for the resource with that name. Throws where there is none or it is another kind.</summary>
    public static IResourceBuilder<T> CreateResourceBuilder<T>(this IDistributedApplicationBuilder builder, string name) where T : IResource
    {
        if (!builder.Resources.TryGetByName(name, out var resource))
        {
            throw new InvalidOperationException($"The resource '{name}' was not found. Resources: {string.Join(", ", builder.Resources.Select(r => r.Name))}.");
        }

        return resource is T typed
            ? builder.CreateResourceBuilder(typed)
            : throw new InvalidOperationException($"The resource '{name}' is a {resource.GetType().Name}, not a {typeof(T).Name}.");
    }

    /// <summary>A builder for the resource with that name, where there is one of that kind.</summary>
    public static bool TryCreateResourceBuilder<T>(this IDistributedApplicationBuilder builder, string name, [NotNullWhen(true)] out IResourceBuilder<T>? resourceBuilder) where T : IResource
    {
        resourceBuilder = builder.Resources.TryGetByName(name, out var resource) && resource is T typed ? builder.CreateResourceBuilder(typed) : null;
        return resourceBuilder is not null;
    }
}
