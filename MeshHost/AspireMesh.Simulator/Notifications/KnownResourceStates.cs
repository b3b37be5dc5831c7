namespace Aspire.Hosting.ApplicationModel;

/// <summary>The states resources are in.</summary>
public static class KnownResourceStates
{
    /// <summary>Active, without a process.</summary>
    public static readonly string Active = nameof(Active);

    /// <summary>Being built.</summary>
    public static readonly string Building = nameof(Building);

    /// <summary>Ended.</summary>
    public static readonly string Exited = nameof(Exited);

    /// <summary>Could not start.</summary>
    public static readonly string FailedToStart = nameof(FailedToStart);

    /// <summary>Ended with its work done.</summary>
    public static readonly string Finished = nameof(Finished);

    /// <summary>Not started: it starts when asked.</summary>
    public static readonly string NotStarted = nameof(NotStarted);

    /// <summary>Running.</summary>
    public static readonly string Running = nameof(Running);

    /// <summary>The container engine does not work.</summary>
    public static readonly string RuntimeUnhealthy = nameof(RuntimeUnhealthy);

    /// <summary>About to run.</summary>
    public static readonly string Starting = nameof(Starting);

    /// <summary>About to end.</summary>
    public static readonly string Stopping = nameof(Stopping);

    /// <summary>A value is missing.</summary>
    public static readonly string ValueMissing = nameof(ValueMissing);

    /// <summary>Waiting for other resources.</summary>
    public static readonly string Waiting = nameof(Waiting);

    /// <summary>The states after which nothing happens by itself.</summary>
    public static readonly IReadOnlyList<string> TerminalStates = [Finished, FailedToStart, Exited];
}

/// <summary>How states are coloured.</summary>
public static class KnownResourceStateStyles
{
    /// <summary>Green.</summary>
    public static readonly string Success = "success";

    /// <summary>Red.</summary>
    public static readonly string Error = "error";

    /// <summary>Blue.</summary>
    public static readonly string Info = "info";

    /// <summary>Yellow.</summary>
    public static readonly string Warn = "warning";
}

/// <summary>The commands the orchestrator offers.</summary>
public static class KnownResourceCommands
{
    /// <summary>Starts a resource that does not run.</summary>
    public static readonly string StartCommand = "start";

    /// <summary>Stops a running resource.</summary>
    public static readonly string StopCommand = "stop";

    /// <summary>Stops and starts a running resource.</summary>
    public static readonly string RestartCommand = "restart";
}

/// <summary>Names of properties in snapshots.</summary>
public static class CustomResourceKnownProperties
{
    /// <summary>Where the resource comes from.</summary>
    public static string Source => "resource.source";

    /// <summary>Its connection string.</summary>
    public static string ConnectionString => "resource.connectionString";
}
