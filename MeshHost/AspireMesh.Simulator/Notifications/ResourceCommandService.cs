using System.Collections.Immutable;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>Runs the commands of resources.</summary>
public class ResourceCommandService
{
    private readonly ResourceLoggerService _loggers;
    private readonly ResourceNotificationService _notifications;
    private readonly IServiceProvider _services;

    internal ResourceCommandService(ResourceNotificationService notifications, ResourceLoggerService loggers, IServiceProvider services)
    {
        _notifications = notifications;
        _loggers = loggers;
        _services = services;
    }

    /// <summary>Runs a command on an instance, or on the resource with that name.</summary>
    public Task<ExecuteCommandResult> ExecuteCommandAsync(string resourceId, string commandName, CancellationToken cancellationToken = default) =>
        ExecuteCommandAsync(resourceId, commandName, new InteractionInputCollection([]), cancellationToken);

    /// <summary>Runs a command on an instance, or on the resource with that name, with values for its arguments.</summary>
    public async Task<ExecuteCommandResult> ExecuteCommandAsync(string resourceId, string commandName, InteractionInputCollection arguments, CancellationToken cancellationToken = default)
    {
        if (_notifications.TryGetCurrentState(resourceId, out var @event))
        {
            return await ExecuteAsync(@event.Resource, @event.ResourceId, commandName, arguments, cancellationToken).ConfigureAwait(false);
        }

        var resource = _notifications.Latest().Select(e => e.Resource).FirstOrDefault(r => string.Equals(r.Name, resourceId, StringComparison.OrdinalIgnoreCase));
        return resource is null
            ? CommandResults.Failure($"Resource '{resourceId}' not found.")
            : await ExecuteCommandAsync(resource, commandName, arguments, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Runs a command on every instance of a resource; fails where one fails.</summary>
    public Task<ExecuteCommandResult> ExecuteCommandAsync(IResource resource, string commandName, CancellationToken cancellationToken = default) =>
        ExecuteCommandAsync(resource, commandName, new InteractionInputCollection([]), cancellationToken);

    /// <summary>Runs a command on every instance of a resource, with values for its arguments; fails where one fails.</summary>
    public async Task<ExecuteCommandResult> ExecuteCommandAsync(IResource resource, string commandName, InteractionInputCollection arguments, CancellationToken cancellationToken = default)
    {
        var results = await Task.WhenAll(resource.GetInstanceIds().Select(id => ExecuteAsync(resource, id, commandName, arguments, cancellationToken))).ConfigureAwait(false);
        return results.FirstOrDefault(r => !r.Success) ?? results[0];
    }

    internal static ImmutableArray<ResourceCommandSnapshot> Describe(IResource resource, CustomResourceSnapshot snapshot, IServiceProvider services)
    {
        var commands = resource.Annotations.OfType<ResourceCommandAnnotation>().Select(c => new ResourceCommandSnapshot(
            c.Name,
            c.UpdateState(new UpdateCommandStateContext { ResourceSnapshot = snapshot, Services = services }),
            c.DisplayName, c.DisplayDescription, null, c.ConfirmationMessage, c.IconName, c.IconVariant, c.IsHighlighted) { Arguments = c.Arguments }).ToImmutableArray();

        // The same array object is kept where nothing changed, so that the snapshot still equals the last one.
        return commands.SequenceEqual(snapshot.Commands) ? snapshot.Commands : commands;
    }

    /// <summary>Every argument of the command with the value that was given, or its usual one.</summary>
    private static InteractionInputCollection Complete(ResourceCommandAnnotation command, InteractionInputCollection given) =>
        new([.. command.Arguments.Select(a => new InteractionInput
        {
            Name = a.Name, Label = a.Label, Description = a.Description, InputType = a.InputType, Required = a.Required, Options = a.Options, Placeholder = a.Placeholder,
            Value = given.ContainsName(a.Name) && given[a.Name].Value is { Length: > 0 } value ? value : a.Value,
        })]);

    private async Task<ExecuteCommandResult> ExecuteAsync(IResource resource, string id, string commandName, InteractionInputCollection given, CancellationToken cancellationToken)
    {
        var logger = _loggers.GetLogger(id);
        var command = resource.Annotations.OfType<ResourceCommandAnnotation>().LastOrDefault(c => string.Equals(c.Name, commandName, StringComparison.OrdinalIgnoreCase));
        if (command is null)
        {
            return CommandResults.Failure($"Command '{commandName}' not available for resource '{id}'.");
        }

        var arguments = Complete(command, given);
        if (arguments.FirstOrDefault(a => a.Required && string.IsNullOrEmpty(a.Value)) is { } missing)
        {
            return CommandResults.Failure($"Command '{commandName}' needs a value for '{missing.Name}'.");
        }

        try
        {
            var context = new ExecuteCommandContext { ResourceName = id, Services = _services, Arguments = arguments, CancellationToken = cancellationToken, Logger = logger };
            var result = await command.ExecuteCommand(context).ConfigureAwait(false);
            if (!result.Success && !result.Canceled)
            {
                logger.LogError("Command '{Command}' failed: {Message}", commandName, result.Message);
            }

            return result;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return CommandResults.Canceled();
        }
        catch (Exception exception)
        {
            logger.LogError(exception, "Command '{Command}' failed.", commandName);
            return CommandResults.Failure(exception);
        }
    }
}
