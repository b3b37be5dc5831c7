namespace Aspire.Hosting.ApplicationModel;

/// <summary>What program runs, and where.</summary>
public sealed class ExecutableAnnotation : IResourceAnnotation
{
    /// <summary>The program.</summary>
    public required string Command { get; set; }

    /// <summary>The folder it runs in.</summary>
    public required string WorkingDirectory { get; set; }
}

/// <summary>How many processes run the resource.</summary>
public sealed class ReplicaAnnotation(int replicas = 1) : IResourceAnnotation
{
    /// <summary>The number, at least 1.</summary>
    public int Replicas { get; } = replicas;
}

/// <summary>The resource does not start with the application.</summary>
public sealed class ExplicitStartupAnnotation : IResourceAnnotation;

/// <summary>The launch profile to use.</summary>
public sealed class LaunchProfileAnnotation(string launchProfileName) : IResourceAnnotation
{
    /// <summary>Its name.</summary>
    public string LaunchProfileName { get; } = launchProfileName;
}

/// <summary>The launch profile to use when none is chosen.</summary>
public sealed class DefaultLaunchProfileAnnotation(string launchProfileName) : IResourceAnnotation
{
    /// <summary>Its name.</summary>
    public string LaunchProfileName { get; } = launchProfileName;
}

/// <summary>No launch profile is used.</summary>
public sealed class ExcludeLaunchProfileAnnotation : IResourceAnnotation;

/// <summary>The project is not told to trust forwarded headers.</summary>
public sealed class DisableForwardedHeadersAnnotation : IResourceAnnotation;

/// <summary>Telemetry is sent to the dashboard.</summary>
public class OtlpExporterAnnotation : IResourceAnnotation
{
    /// <summary>The protocol it has to be; null for any.</summary>
    public OtlpProtocol? RequiredProtocol { get; init; }
}

/// <summary>Adds variables to a process's environment.</summary>
public class EnvironmentCallbackAnnotation : IResourceAnnotation
{
    /// <summary>One variable.</summary>
    public EnvironmentCallbackAnnotation(string name, Func<string> callback)
        : this(context => context.EnvironmentVariables[name] = callback())
    {
    }

    /// <summary>Any number of variables.</summary>
    public EnvironmentCallbackAnnotation(Action<Dictionary<string, object>> callback)
        : this(context => callback(context.EnvironmentVariables))
    {
    }

    /// <summary>Any number of variables.</summary>
    public EnvironmentCallbackAnnotation(Action<EnvironmentCallbackContext> callback) => Callback = context =>
    {
        callback(context);
        return Task.CompletedTask;
    };

    /// <summary>Any number of variables.</summary>
    public EnvironmentCallbackAnnotation(Func<EnvironmentCallbackContext, Task> callback) => Callback = callback ?? throw new ArgumentNullException(nameof(callback));

    /// <summary>Adds to the dictionary. Calling it directly bypasses the once-only evaluation of the orchestrator.</summary>
    public Func<EnvironmentCallbackContext, Task> Callback { get; }

    internal OnceEvaluated<Dictionary<string, object>> Evaluated { get; } = new();
}

/// <summary>Adds arguments to a process's command line.</summary>
public class CommandLineArgsCallbackAnnotation : IResourceAnnotation
{
    /// <summary>Any number of arguments.</summary>
    public CommandLineArgsCallbackAnnotation(Action<IList<object>> callback) => Callback = context =>
    {
        callback(context.Args);
        return Task.CompletedTask;
    };

    /// <summary>Any number of arguments.</summary>
    public CommandLineArgsCallbackAnnotation(Func<CommandLineArgsCallbackContext, Task> callback) => Callback = callback ?? throw new ArgumentNullException(nameof(callback));

    /// <summary>Adds to the list. Calling it directly bypasses the once-only evaluation of the orchestrator.</summary>
    public Func<CommandLineArgsCallbackContext, Task> Callback { get; }

    internal OnceEvaluated<List<object>> Evaluated { get; } = new();
}

/// <summary>A callback's first result, kept until the resource is started anew.</summary>
internal sealed class OnceEvaluated<T>
{
    private readonly Lock _gate = new();
    private Task<T>? _evaluation;

    public Task<T> GetAsync(Func<Task<T>> evaluate)
    {
        lock (_gate)
        {
            return _evaluation ??= evaluate();
        }
    }

    public void Forget()
    {
        lock (_gate)
        {
            _evaluation = null;
        }
    }
}
