using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>What an environment callback works on.</summary>
public class EnvironmentCallbackContext
{
    private readonly IResource? _resource;

    /// <summary>A context without a resource.</summary>
    public EnvironmentCallbackContext(DistributedApplicationExecutionContext executionContext, Dictionary<string, object>? environmentVariables = null, CancellationToken cancellationToken = default)
    {
        ExecutionContext = executionContext ?? throw new ArgumentNullException(nameof(executionContext));
        EnvironmentVariables = environmentVariables ?? [];
        CancellationToken = cancellationToken;
    }

    /// <summary>A context for <paramref name="resource"/>.</summary>
    public EnvironmentCallbackContext(DistributedApplicationExecutionContext executionContext, IResource resource, Dictionary<string, object>? environmentVariables = null, CancellationToken cancellationToken = default)
        : this(executionContext, environmentVariables, cancellationToken) => _resource = resource ?? throw new ArgumentNullException(nameof(resource));

    /// <summary>The variables so far; values may be unresolved objects.</summary>
    public Dictionary<string, object> EnvironmentVariables { get; }

    /// <summary>Run or publish.</summary>
    public DistributedApplicationExecutionContext ExecutionContext { get; }

    /// <summary>Whose environment it is. Throws where the context was made without one.</summary>
    public IResource Resource => _resource ?? throw new InvalidOperationException("This environment callback context was made without a resource.");

    /// <summary>Ends the evaluation.</summary>
    public CancellationToken CancellationToken { get; }

    /// <summary>The resource's log.</summary>
    public ILogger Logger { get; set; } = NullLogger.Instance;
}

/// <summary>What an argument callback works on.</summary>
public sealed class CommandLineArgsCallbackContext
{
    private readonly IResource? _resource;

    /// <summary>A context without a resource.</summary>
    public CommandLineArgsCallbackContext(IList<object> args, CancellationToken cancellationToken = default)
    {
        Args = args ?? throw new ArgumentNullException(nameof(args));
        CancellationToken = cancellationToken;
    }

    /// <summary>A context for <paramref name="resource"/>.</summary>
    public CommandLineArgsCallbackContext(IList<object> args, IResource resource, CancellationToken cancellationToken = default)
        : this(args, cancellationToken) => _resource = resource ?? throw new ArgumentNullException(nameof(resource));

    /// <summary>The arguments so far; they may be unresolved objects.</summary>
    public IList<object> Args { get; }

    /// <summary>Ends the evaluation.</summary>
    public CancellationToken CancellationToken { get; }

    /// <summary>Run or publish.</summary>
    public DistributedApplicationExecutionContext ExecutionContext { get; init; } = new(DistributedApplicationOperation.Run);

    /// <summary>The resource's log.</summary>
    public ILogger Logger { get; init; } = NullLogger.Instance;

    /// <summary>Whose arguments they are. Throws where the context was made without one.</summary>
    public IResource Resource => _resource ?? throw new InvalidOperationException("This argument callback context was made without a resource.");
}

/// <summary>What a URL callback works on.</summary>
public class ResourceUrlsCallbackContext(DistributedApplicationExecutionContext executionContext, IResource resource, List<ResourceUrlAnnotation>? urls = null, CancellationToken cancellationToken = default)
{
    /// <summary>Run or publish.</summary>
    public DistributedApplicationExecutionContext ExecutionContext { get; } = executionContext;

    /// <summary>Whose URLs they are.</summary>
    public IResource Resource { get; } = resource;

    /// <summary>The URLs, to be changed.</summary>
    public List<ResourceUrlAnnotation> Urls { get; } = urls ?? [];

    /// <summary>Ends the callback.</summary>
    public CancellationToken CancellationToken { get; } = cancellationToken;

    /// <summary>The resource's log.</summary>
    public ILogger Logger { get; set; } = NullLogger.Instance;

    /// <summary>An endpoint of the resource; null where it has none by that name.</summary>
    public EndpointReference? GetEndpoint(string name) => Resource is IResourceWithEndpoints owner && owner.GetEndpoint(name) is { Exists: true } endpoint ? endpoint : null;

    /// <summary>An endpoint of the resource, seen from a network.</summary>
    public EndpointReference? GetEndpoint(string name, NetworkIdentifier contextNetworkId) =>
        Resource is IResourceWithEndpoints owner && owner.GetEndpoint(name, contextNetworkId) is { Exists: true } endpoint ? endpoint : null;
}
