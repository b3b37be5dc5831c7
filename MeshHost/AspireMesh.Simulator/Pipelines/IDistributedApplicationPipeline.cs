using System.Diagnostics.CodeAnalysis;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Pipelines;

/// <summary>The steps of publishing.</summary>
[Experimental("ASPIREPIPELINES001")]
public interface IDistributedApplicationPipeline
{
    /// <summary>Adds a step. <paramref name="dependsOn"/> and <paramref name="requiredBy"/> are a name or several.</summary>
    void AddStep(string name, Func<PipelineStepContext, Task> action, object? dependsOn = null, object? requiredBy = null);

    /// <summary>Adds a step.</summary>
    void AddStep(PipelineStep step);

    /// <summary>Changes the steps once they are all known.</summary>
    void AddPipelineConfiguration(Func<PipelineConfigurationContext, Task> callback);

    /// <summary>Runs the chosen step with those it needs.</summary>
    Task ExecuteAsync(PipelineContext context);
}

/// <summary>What a change of the steps works on.</summary>
[Experimental("ASPIREPIPELINES001")]
public class PipelineConfigurationContext
{
    /// <summary>The application's services.</summary>
    public required IServiceProvider Services { get; init; }

    /// <summary>The steps.</summary>
    public required IReadOnlyList<PipelineStep> Steps { get; init; }

    /// <summary>The model.</summary>
    public required DistributedApplicationModel Model { get; init; }

    /// <summary>The steps with that tag.</summary>
    public IEnumerable<PipelineStep> GetSteps(string tag) => Steps.Where(s => s.Tags.Contains(tag));

    /// <summary>The steps of that resource.</summary>
    public IEnumerable<PipelineStep> GetSteps(IResource resource) => Steps.Where(s => s.Resource == resource);

    /// <summary>The steps of that resource with that tag.</summary>
    public IEnumerable<PipelineStep> GetSteps(IResource resource, string tag) => GetSteps(resource).Where(s => s.Tags.Contains(tag));
}

/// <summary>What makes a resource's steps.</summary>
[Experimental("ASPIREPIPELINES001")]
public class PipelineStepFactoryContext
{
    /// <summary>The run.</summary>
    public required PipelineContext PipelineContext { get; init; }

    /// <summary>The resource.</summary>
    public required IResource Resource { get; init; }
}

/// <summary>Steps of a resource.</summary>
[Experimental("ASPIREPIPELINES001")]
public class PipelineStepAnnotation : IResourceAnnotation
{
    private readonly Func<PipelineStepFactoryContext, Task<IEnumerable<PipelineStep>>> _factory;

    /// <summary>One step.</summary>
    public PipelineStepAnnotation(Func<PipelineStepFactoryContext, PipelineStep> factory) => _factory = context => Task.FromResult<IEnumerable<PipelineStep>>([factory(context)]);

    /// <summary>One step.</summary>
    public PipelineStepAnnotation(Func<PipelineStepFactoryContext, Task<PipelineStep>> factory) => _factory = async context => [await factory(context).ConfigureAwait(false)];

    /// <summary>Several steps.</summary>
    public PipelineStepAnnotation(Func<PipelineStepFactoryContext, IEnumerable<PipelineStep>> factory) => _factory = context => Task.FromResult(factory(context));

    /// <summary>Several steps.</summary>
    public PipelineStepAnnotation(Func<PipelineStepFactoryContext, Task<IEnumerable<PipelineStep>>> factory) => _factory = factory;

    /// <summary>Makes them.</summary>
    public Task<IEnumerable<PipelineStep>> CreateStepsAsync(PipelineStepFactoryContext context) => _factory(context);
}

/// <summary>Changes the steps once they are all known.</summary>
[Experimental("ASPIREPIPELINES001")]
public class PipelineConfigurationAnnotation : IResourceAnnotation
{
    /// <summary>Changes them.</summary>
    public PipelineConfigurationAnnotation(Action<PipelineConfigurationContext> callback) => Callback = context =>
    {
        callback(context);
        return Task.CompletedTask;
    };

    /// <summary>Changes them.</summary>
    public PipelineConfigurationAnnotation(Func<PipelineConfigurationContext, Task> callback) => Callback = callback;

    /// <summary>What changes them.</summary>
    public Func<PipelineConfigurationContext, Task> Callback { get; }
}

/// <summary>Gives resources steps.</summary>
[Experimental("ASPIREPIPELINES001")]
public static class PipelineStepFactoryExtensions
{
    /// <summary>One step.</summary>
    public static IResourceBuilder<T> WithPipelineStepFactory<T>(this IResourceBuilder<T> builder, Func<PipelineStepFactoryContext, PipelineStep> factory) where T : IResource => builder.WithAnnotation(new PipelineStepAnnotation(factory));

    /// <summary>One step.</summary>
    public static IResourceBuilder<T> WithPipelineStepFactory<T>(this IResourceBuilder<T> builder, Func<PipelineStepFactoryContext, Task<PipelineStep>> factory) where T : IResource => builder.WithAnnotation(new PipelineStepAnnotation(factory));

    /// <summary>Several steps.</summary>
    public static IResourceBuilder<T> WithPipelineStepFactory<T>(this IResourceBuilder<T> builder, Func<PipelineStepFactoryContext, IEnumerable<PipelineStep>> factory) where T : IResource => builder.WithAnnotation(new PipelineStepAnnotation(factory));

    /// <summary>Several steps.</summary>
    public static IResourceBuilder<T> WithPipelineStepFactory<T>(this IResourceBuilder<T> builder, Func<PipelineStepFactoryContext, Task<IEnumerable<PipelineStep>>> factory) where T : IResource => builder.WithAnnotation(new PipelineStepAnnotation(factory));

    /// <summary>Changes the steps once they are all known.</summary>
    public static IResourceBuilder<T> WithPipelineConfiguration<T>(this IResourceBuilder<T> builder, Action<PipelineConfigurationContext> callback) where T : IResource => builder.WithAnnotation(new PipelineConfigurationAnnotation(callback));

    /// <summary>Changes the steps once they are all known.</summary>
    public static IResourceBuilder<T> WithPipelineConfiguration<T>(this IResourceBuilder<T> builder, Func<PipelineConfigurationContext, Task> callback) where T : IResource => builder.WithAnnotation(new PipelineConfigurationAnnotation(callback));
}
