using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>Whether a command can be run.</summary>
public enum ResourceCommandState
{
    /// <summary>It can.</summary>
    Enabled,

    /// <summary>It is shown and cannot.</summary>
    Disabled,

    /// <summary>It is not shown.</summary>
    Hidden,
}

/// <summary>What a command's state is decided on.</summary>
public sealed class UpdateCommandStateContext
{
    /// <summary>The resource's snapshot.</summary>
    public required CustomResourceSnapshot ResourceSnapshot { get; init; }

    /// <summary>The application's services.</summary>
    public required IServiceProvider Services { get; init; }

    /// <summary>The application's services.</summary>
    [Obsolete("Use Services instead.")]
    public IServiceProvider ServiceProvider => Services;
}

/// <summary>What a command runs with.</summary>
public sealed class ExecuteCommandContext
{
    /// <summary>The instance's id.</summary>
    public required string ResourceName { get; init; }

    /// <summary>The application's services.</summary>
    public required IServiceProvider Services { get; init; }

    /// <summary>The application's services.</summary>
    [Obsolete("Use Services instead.")]
    public IServiceProvider ServiceProvider => Services;

    /// <summary>The values of the command's arguments.</summary>
    public required InteractionInputCollection Arguments { get; init; }

    /// <summary>Ends the command.</summary>
    public required CancellationToken CancellationToken { get; init; }

    /// <summary>The instance's log.</summary>
    public required ILogger Logger { get; init; }
}

/// <summary>How a result is to be read.</summary>
public enum CommandResultFormat
{
    /// <summary>As text.</summary>
    Text,

    /// <summary>As JSON.</summary>
    Json,

    /// <summary>As Markdown.</summary>
    Markdown,
}

/// <summary>What a command gave.</summary>
public sealed class CommandResultData
{
    /// <summary>The result.</summary>
    public required string Value { get; init; }

    /// <summary>How to read it.</summary>
    public CommandResultFormat Format { get; init; }

    /// <summary>Whether it is shown at once.</summary>
    public bool DisplayImmediately { get; init; }
}

/// <summary>How a command ended.</summary>
public sealed class ExecuteCommandResult
{
    /// <summary>Whether it did what it should.</summary>
    public required bool Success { get; init; }

    /// <summary>Whether it was cancelled.</summary>
    public bool Canceled { get; init; }

    /// <summary>What it has to say.</summary>
    public string? Message { get; init; }

    /// <summary>What it gave.</summary>
    public CommandResultData? Data { get; init; }

    /// <summary>The same as <see cref="Message"/>.</summary>
    [Obsolete("Use Message instead.")]
    public string? ErrorMessage
    {
        get => Message;
        init => Message = value;
    }
}

/// <summary>Makes results.</summary>
public static class CommandResults
{
    /// <summary>Done.</summary>
    public static ExecuteCommandResult Success() => new() { Success = true };

    /// <summary>Done, with something to say.</summary>
    public static ExecuteCommandResult Success(string message) => new() { Success = true, Message = message };

    /// <summary>Done, with a result.</summary>
    public static ExecuteCommandResult Success(string message, string result, CommandResultFormat resultFormat = CommandResultFormat.Text) =>
        Success(message, new CommandResultData { Value = result, Format = resultFormat });

    /// <summary>Done, with a result.</summary>
    public static ExecuteCommandResult Success(string message, string result, CommandResultFormat resultFormat, bool displayImmediately) =>
        Success(message, new CommandResultData { Value = result, Format = resultFormat, DisplayImmediately = displayImmediately });

    /// <summary>Done, with a result.</summary>
    public static ExecuteCommandResult Success(string message, CommandResultData value) => new() { Success = true, Message = message, Data = value };

    /// <summary>Failed.</summary>
    public static ExecuteCommandResult Failure(string? errorMessage = null) => new() { Success = false, Message = errorMessage };

    /// <summary>Failed.</summary>
    public static ExecuteCommandResult Failure(Exception exception) => Failure(exception.Message);

    /// <summary>Failed, with a result.</summary>
    public static ExecuteCommandResult Failure(string errorMessage, string result, CommandResultFormat resultFormat = CommandResultFormat.Text) =>
        Failure(errorMessage, new CommandResultData { Value = result, Format = resultFormat });

    /// <summary>Failed, with a result.</summary>
    public static ExecuteCommandResult Failure(string errorMessage, CommandResultData value) => new() { Success = false, Message = errorMessage, Data = value };

    /// <summary>Cancelled.</summary>
    public static ExecuteCommandResult Canceled() => new() { Success = false, Canceled = true };
}

/// <summary>How a command is shown.</summary>
public class CommandOptions
{
    /// <summary>A sentence about it.</summary>
    public string? Description { get; set; }

    /// <summary>What is asked before it runs.</summary>
    public string? ConfirmationMessage { get; set; }

    /// <summary>A Fluent UI icon name.</summary>
    public string? IconName { get; set; }

    /// <summary>Which drawing.</summary>
    public IconVariant? IconVariant { get; set; }

    /// <summary>Whether it stands beside the resource.</summary>
    public bool IsHighlighted { get; set; }

    /// <summary>What is asked for before it runs.</summary>
    public IReadOnlyList<InteractionInput> Arguments { get; set; } = [];

    /// <summary>Decides whether it can be run; null for always.</summary>
    public Func<UpdateCommandStateContext, ResourceCommandState>? UpdateState { get; set; }
}

/// <summary>A command of a resource.</summary>
public sealed class ResourceCommandAnnotation(string name, string displayName, Func<UpdateCommandStateContext, ResourceCommandState> updateState, Func<ExecuteCommandContext, Task<ExecuteCommandResult>> executeCommand, string? displayDescription, object? parameter, string? confirmationMessage, string? iconName, IconVariant? iconVariant, bool isHighlighted)
    : IResourceAnnotation
{
    /// <summary>Makes a command that asks for values before it runs.</summary>
    public ResourceCommandAnnotation(string name, string displayName, Func<UpdateCommandStateContext, ResourceCommandState> updateState, Func<ExecuteCommandContext, Task<ExecuteCommandResult>> executeCommand, string? displayDescription, IReadOnlyList<InteractionInput>? arguments, string? confirmationMessage, string? iconName, IconVariant? iconVariant, bool isHighlighted)
        : this(name, displayName, updateState, executeCommand, displayDescription, parameter: null, confirmationMessage, iconName, iconVariant, isHighlighted) => Arguments = arguments ?? [];

    /// <summary>The name.</summary>
    public string Name { get; } = name;

    /// <summary>What is asked for before it runs; each input's value is the usual one.</summary>
    public IReadOnlyList<InteractionInput> Arguments { get; } = [];

    /// <summary>What is shown.</summary>
    public string DisplayName { get; } = displayName;

    /// <summary>Decides whether it can be run.</summary>
    public Func<UpdateCommandStateContext, ResourceCommandState> UpdateState { get; } = updateState;

    /// <summary>Runs it.</summary>
    public Func<ExecuteCommandContext, Task<ExecuteCommandResult>> ExecuteCommand { get; } = executeCommand;

    /// <summary>A sentence about it.</summary>
    public string? DisplayDescription { get; } = displayDescription;

    /// <summary>Not used.</summary>
    [Obsolete("Commands take no parameter.")]
    public object? Parameter { get; } = parameter;

    /// <summary>What is asked before it runs.</summary>
    public string? ConfirmationMessage { get; } = confirmationMessage;

    /// <summary>A Fluent UI icon name.</summary>
    public string? IconName { get; } = iconName;

    /// <summary>Which drawing.</summary>
    public IconVariant? IconVariant { get; } = iconVariant;

    /// <summary>Whether it stands beside the resource.</summary>
    public bool IsHighlighted { get; } = isHighlighted;
}
