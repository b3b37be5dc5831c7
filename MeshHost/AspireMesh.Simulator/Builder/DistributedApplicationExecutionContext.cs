namespace Aspire.Hosting;

/// <summary>What the AppHost was started for.</summary>
public enum DistributedApplicationOperation
{
    /// <summary>To run the application.</summary>
    Run,

    /// <summary>To write what deploys it.</summary>
    Publish,
}

/// <summary>What a <see cref="DistributedApplicationExecutionContext"/> is made of.</summary>
public class DistributedApplicationExecutionContextOptions
{
    /// <summary>For that operation.</summary>
    public DistributedApplicationExecutionContextOptions(DistributedApplicationOperation operation) => Operation = operation;

    /// <summary>For that operation and publisher.</summary>
    public DistributedApplicationExecutionContextOptions(DistributedApplicationOperation operation, string publisherName)
    {
        Operation = operation;
        PublisherName = publisherName;
    }

    /// <summary>Run or publish.</summary>
    public DistributedApplicationOperation Operation { get; }

    /// <summary>The publisher's name.</summary>
    public string? PublisherName { get; }

    /// <summary>The application's services; null until they are built.</summary>
    public IServiceProvider? Services { get; set; }

    /// <summary>The application's services; null until they are built.</summary>
    [Obsolete("Use Services instead.")]
    public IServiceProvider? ServiceProvider
    {
        get => Services;
        set => Services = value;
    }
}

/// <summary>Run or publish, and the application's services.</summary>
public class DistributedApplicationExecutionContext
{
    private readonly DistributedApplicationExecutionContextOptions? _options;

    /// <summary>For that operation.</summary>
    public DistributedApplicationExecutionContext(DistributedApplicationOperation operation) : this(operation, "manifest")
    {
    }

    /// <summary>For that operation and publisher.</summary>
    public DistributedApplicationExecutionContext(DistributedApplicationOperation operation, string publisherName)
    {
        Operation = operation;
        PublisherName = publisherName;
    }

    /// <summary>From options whose services are set later.</summary>
    public DistributedApplicationExecutionContext(DistributedApplicationExecutionContextOptions options)
        : this(options.Operation, options.PublisherName ?? "manifest") => _options = options;

    /// <summary>Run or publish.</summary>
    public DistributedApplicationOperation Operation { get; }

    /// <summary>Whether the application runs.</summary>
    public bool IsRunMode => Operation == DistributedApplicationOperation.Run;

    /// <summary>Whether it is published.</summary>
    public bool IsPublishMode => Operation == DistributedApplicationOperation.Publish;

    /// <summary>The publisher's name.</summary>
    public string PublisherName { get; set; }

    /// <summary>The application's services. Throws <see cref="InvalidOperationException"/> before <c>Build()</c>.</summary>
    public IServiceProvider Services => _options?.Services
        ?? throw new InvalidOperationException("The application's services are not there yet: they are built by Build().");

    /// <summary>The same as <see cref="Services"/>.</summary>
    [Obsolete("Use Services.")]
    public IServiceProvider ServiceProvider => Services;
}
