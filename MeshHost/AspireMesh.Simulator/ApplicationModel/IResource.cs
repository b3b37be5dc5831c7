using System.Collections.ObjectModel;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>Marks what can be attached to a resource.</summary>
public interface IResourceAnnotation;

/// <summary>Marks an attribute of a parameter that takes a name of the model.</summary>
public interface IModelNameParameter;

/// <summary>A part of the application: a name, and what was attached to it.</summary>
public interface IResource
{
    /// <summary>Unique in the application, case not regarded.</summary>
    string Name { get; }

    /// <summary>What was attached, in order.</summary>
    ResourceAnnotationCollection Annotations { get; }
}

/// <summary>The annotations of a resource, in the order they were added.</summary>
public sealed class ResourceAnnotationCollection : Collection<IResourceAnnotation>;

/// <summary>Base of resources.</summary>
public abstract class Resource : IResource
{
    /// <summary>A resource with that name.</summary>
    protected Resource(string name) => Name = name ?? throw new ArgumentNullException(nameof(name));

    /// <inheritdoc/>
    public virtual string Name { get; }

    /// <inheritdoc/>
    public virtual ResourceAnnotationCollection Annotations { get; } = [];
}

/// <summary>Takes environment variables.</summary>
public interface IResourceWithEnvironment : IResource;

/// <summary>Takes arguments.</summary>
public interface IResourceWithArgs : IResource;

/// <summary>Has endpoints.</summary>
public interface IResourceWithEndpoints : IResource;

/// <summary>Can wait for others.</summary>
public interface IResourceWithWaitSupport : IResource;

/// <summary>Can be probed.</summary>
public interface IResourceWithProbes : IResource;

/// <summary>Runs somewhere when deployed.</summary>
public interface IComputeResource : IResource;

/// <summary>A place compute resources are deployed to.</summary>
public interface IComputeEnvironmentResource : IResource;

/// <summary>Is never started or stopped.</summary>
public interface IResourceWithoutLifetime : IResource;

/// <summary>Takes files of other resources' containers.</summary>
public interface IContainerFilesDestinationResource : IResource;

/// <summary>Belongs to another resource.</summary>
public interface IResourceWithParent : IResource
{
    /// <summary>What it belongs to.</summary>
    IResource Parent { get; }
}

/// <summary>Belongs to a <typeparamref name="T"/>.</summary>
public interface IResourceWithParent<out T> : IResourceWithParent where T : IResource
{
    /// <summary>What it belongs to.</summary>
    new T Parent { get; }

    IResource IResourceWithParent.Parent => Parent;
}

/// <summary>Has a connection string.</summary>
public interface IResourceWithConnectionString : IResource, IExpressionValue, IValueWithReferences
{
    /// <summary>The connection string.</summary>
    ReferenceExpression ConnectionStringExpression { get; }

    /// <summary>The variable it is given in; null for <c>ConnectionStrings__name</c>.</summary>
    string? ConnectionStringEnvironmentVariable => null;

    /// <summary>Resolves the connection string; waits for what it depends on.</summary>
    ValueTask<string?> GetConnectionStringAsync(CancellationToken cancellationToken = default) => ConnectionStringExpression.GetValueAsync(cancellationToken);

    /// <summary>The parts of the connection string by name.</summary>
    IEnumerable<KeyValuePair<string, ReferenceExpression>> GetConnectionProperties() => [];

    string IManifestExpressionProvider.ValueExpression => $"{{{Name}.connectionString}}";

    IEnumerable<object> IValueWithReferences.References => [ConnectionStringExpression];

    ValueTask<string?> IValueProvider.GetValueAsync(CancellationToken cancellationToken) => GetConnectionStringAsync(cancellationToken);

    ValueTask<string?> IValueProvider.GetValueAsync(ValueProviderContext context, CancellationToken cancellationToken) =>
        ConnectionStringExpression.GetValueAsync(context, cancellationToken);
}

/// <summary>A resource being described.</summary>
public interface IResourceBuilder<out T> where T : IResource
{
    /// <summary>The application's builder.</summary>
    IDistributedApplicationBuilder ApplicationBuilder { get; }

    /// <summary>The resource.</summary>
    T Resource { get; }

    /// <summary>Attaches an annotation; with Replace, those of the same type are taken away first.</summary>
    IResourceBuilder<T> WithAnnotation<TAnnotation>(TAnnotation annotation, ResourceAnnotationMutationBehavior behavior = ResourceAnnotationMutationBehavior.Append)
        where TAnnotation : IResourceAnnotation;

    /// <summary>Attaches a new annotation.</summary>
    IResourceBuilder<T> WithAnnotation<TAnnotation>(ResourceAnnotationMutationBehavior behavior = ResourceAnnotationMutationBehavior.Append)
        where TAnnotation : IResourceAnnotation, new() => WithAnnotation(new TAnnotation(), behavior);
}

/// <summary>What happens to annotations of the same type.</summary>
public enum ResourceAnnotationMutationBehavior
{
    /// <summary>They stay.</summary>
    Append,

    /// <summary>They go.</summary>
    Replace,
}

/// <summary>The parameter takes a resource's name.</summary>
[AttributeUsage(AttributeTargets.Parameter)]
public sealed class ResourceNameAttribute : Attribute, IModelNameParameter;

/// <summary>The parameter takes an endpoint's name.</summary>
[AttributeUsage(AttributeTargets.Parameter)]
public sealed class EndpointNameAttribute : Attribute, IModelNameParameter;
