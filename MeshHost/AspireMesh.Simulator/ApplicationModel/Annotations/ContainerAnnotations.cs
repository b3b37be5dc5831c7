namespace Aspire.Hosting.ApplicationModel;

/// <summary>The image a container runs.</summary>
public sealed class ContainerImageAnnotation : IResourceAnnotation
{
    /// <summary>The name without registry and tag.</summary>
    public required string Image { get; set; }

    /// <summary>The registry; null for the engine's default.</summary>
    public string? Registry { get; set; }

    /// <summary>The tag.</summary>
    public string? Tag { get; set; }

    /// <summary>The digest; it wins over the tag.</summary>
    public string? SHA256 { get; set; }
}

/// <summary>How long a container lives.</summary>
public enum ContainerLifetime
{
    /// <summary>As long as the application.</summary>
    Session,

    /// <summary>Beyond the application.</summary>
    Persistent,
}

/// <summary>When an image is pulled.</summary>
public enum ImagePullPolicy
{
    /// <summary>As the engine does.</summary>
    Default,

    /// <summary>At every start.</summary>
    Always,

    /// <summary>When it is not there.</summary>
    Missing,

    /// <summary>Never.</summary>
    Never,
}

/// <summary>When the image is pulled.</summary>
public sealed class ContainerImagePullPolicyAnnotation : IResourceAnnotation
{
    /// <summary>When.</summary>
    public required ImagePullPolicy ImagePullPolicy { get; set; }
}

/// <summary>How long the container lives.</summary>
public sealed class ContainerLifetimeAnnotation : IResourceAnnotation
{
    /// <summary>How long.</summary>
    public required ContainerLifetime Lifetime { get; set; }
}

/// <summary>The container's name in the engine.</summary>
public sealed class ContainerNameAnnotation : IResourceAnnotation
{
    /// <summary>The name.</summary>
    public required string Name { get; set; }
}

/// <summary>What kind of mount.</summary>
public enum ContainerMountType
{
    /// <summary>A folder or file of the host.</summary>
    BindMount,

    /// <summary>A volume of the engine.</summary>
    Volume,
}

/// <summary>A folder put into a container.</summary>
public sealed class ContainerMountAnnotation(string? source, string target, ContainerMountType type, bool isReadOnly) : IResourceAnnotation
{
    /// <summary>Path or volume name; null for an anonymous volume.</summary>
    public string? Source { get; } = source;

    /// <summary>The path in the container.</summary>
    public string Target { get; } = target;

    /// <summary>What kind.</summary>
    public ContainerMountType Type { get; } = type;

    /// <summary>Whether the container cannot write.</summary>
    public bool IsReadOnly { get; } = isReadOnly;
}

/// <summary>Adds arguments of the engine's run command.</summary>
public sealed class ContainerRuntimeArgsCallbackAnnotation : IResourceAnnotation
{
    /// <summary>Adds them.</summary>
    public ContainerRuntimeArgsCallbackAnnotation(Action<IList<object>> callback) => Callback = context =>
    {
        callback(context.Args);
        return Task.CompletedTask;
    };

    /// <summary>Adds them.</summary>
    public ContainerRuntimeArgsCallbackAnnotation(Func<ContainerRuntimeArgsCallbackContext, Task> callback) => Callback = callback ?? throw new ArgumentNullException(nameof(callback));

    /// <summary>What adds them.</summary>
    public Func<ContainerRuntimeArgsCallbackContext, Task> Callback { get; }
}

/// <summary>What a <see cref="ContainerRuntimeArgsCallbackAnnotation"/> works on.</summary>
public sealed class ContainerRuntimeArgsCallbackContext(IList<object> args, CancellationToken cancellationToken = default)
{
    /// <summary>The arguments so far.</summary>
    public IList<object> Args { get; } = args ?? throw new ArgumentNullException(nameof(args));

    /// <summary>Ends the callback.</summary>
    public CancellationToken CancellationToken { get; } = cancellationToken;
}
