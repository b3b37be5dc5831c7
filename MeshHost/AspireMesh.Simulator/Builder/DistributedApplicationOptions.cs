namespace Aspire.Hosting;

/// <summary>How the application's builder is made.</summary>
public sealed class DistributedApplicationOptions
{
    /// <summary>The command line.</summary>
    public string[]? Args { get; set; }

    /// <summary>The AppHost's assembly name; null for the entry assembly.</summary>
    public string? AssemblyName { get; set; }

    /// <summary>The AppHost's folder; null for the one its project was built from.</summary>
    public string? ProjectDirectory { get; set; }

    /// <summary>Whether the dashboard stays off.</summary>
    public bool DisableDashboard { get; set; }

    /// <summary>The name the dashboard shows; null for the AppHost's.</summary>
    public string? DashboardApplicationName { get; set; }

    /// <summary>Whether the dashboard may be served without TLS.</summary>
    public bool AllowUnsecuredTransport { get; set; }

    /// <summary>Whether resources' output also goes to the AppHost's log.</summary>
    public bool EnableResourceLogging { get; set; }

    /// <summary>The registry images without one are taken from.</summary>
    public string? ContainerRegistryOverride { get; set; }

    internal TimeProvider TimeProvider { get; set; } = TimeProvider.System;
}

/// <summary>An application cannot be described or run as asked.</summary>
public class DistributedApplicationException : Exception
{
    /// <summary>Without a message.</summary>
    public DistributedApplicationException()
    {
    }

    /// <summary>With a message.</summary>
    public DistributedApplicationException(string message) : base(message)
    {
    }

    /// <summary>With a message and a cause.</summary>
    public DistributedApplicationException(string message, Exception inner) : base(message, inner)
    {
    }
}

/// <summary>A parameter has no value.</summary>
public class MissingParameterValueException : DistributedApplicationException
{
    /// <summary>With a message.</summary>
    public MissingParameterValueException(string message) : base(message)
    {
    }

    /// <summary>With a message and a cause.</summary>
    public MissingParameterValueException(string message, Exception innerException) : base(message, innerException)
    {
    }
}
