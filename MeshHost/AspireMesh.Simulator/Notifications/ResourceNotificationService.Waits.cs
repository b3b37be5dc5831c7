using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.ApplicationModel;

public partial class ResourceNotificationService
{
    /// <summary>Waits for everything <paramref name="resource"/> waits for; it is Waiting meanwhile. Throws where something cannot come up and waiting on was not asked for.</summary>
    public async Task WaitForDependenciesAsync(IResource resource, CancellationToken cancellationToken)
    {
        if (!resource.TryGetAnnotationsOfType<WaitAnnotation>(out var waits))
        {
            return;
        }

        // A process of several that is started again does not stop the others.
        await PublishUpdateAsync(resource, s => s.State?.Text == KnownResourceStates.Running ? s : s with { State = KnownResourceStates.Waiting }).ConfigureAwait(false);
        await Task.WhenAll(waits.Select(wait => WaitForAsync(resource, wait, cancellationToken))).ConfigureAwait(false);
    }

    private async Task WaitForAsync(IResource resource, WaitAnnotation wait, CancellationToken cancellationToken)
    {
        var log = _resourceLoggers.GetLogger(resource);
        var behavior = wait.WaitBehavior ?? DefaultWaitBehavior;
        LogWaiting(log, wait.Resource.Name, wait.WaitType);
        foreach (var id in wait.Resource.GetInstanceIds())
        {
            var last = await WaitForResourceAsync(wait.Resource.Name, e => e.ResourceId == id && IsDecided(e.Snapshot, wait, behavior), cancellationToken).ConfigureAwait(false);
            Require(resource, wait, last.Snapshot);
            if (wait.WaitType == WaitType.WaitUntilHealthy)
            {
                await last.Snapshot.ResourceReady!.WaitAsync(cancellationToken).ConfigureAwait(false);
            }
        }

        LogWaited(log, wait.Resource.Name);
    }

    private static bool IsReached(CustomResourceSnapshot snapshot, WaitAnnotation wait) => wait.WaitType switch
    {
        WaitType.WaitUntilHealthy => IsReady(snapshot),
        WaitType.WaitUntilStarted => snapshot.State?.Text == KnownResourceStates.Running,
        _ => snapshot.State is { } state && KnownResourceStates.TerminalStates.Contains(state.Text),
    };

    private static bool IsDecided(CustomResourceSnapshot snapshot, WaitAnnotation wait, WaitBehavior behavior) =>
        IsReached(snapshot, wait) || (behavior == WaitBehavior.StopOnResourceUnavailable && IsUnavailable(snapshot));

    private static void Require(IResource resource, WaitAnnotation wait, CustomResourceSnapshot snapshot)
    {
        var state = snapshot.State?.Text;
        if (!IsReached(snapshot, wait) || (wait.WaitType == WaitType.WaitForCompletion && state == KnownResourceStates.FailedToStart))
        {
            throw new DistributedApplicationException($"'{resource.Name}' does not start: it waits for '{wait.Resource.Name}', which is {state}. See the log of '{wait.Resource.Name}'.");
        }

        if (wait.WaitType == WaitType.WaitForCompletion && snapshot.ExitCode is { } exitCode && exitCode != wait.ExitCode)
        {
            throw new DistributedApplicationException($"'{resource.Name}' does not start: it waits for '{wait.Resource.Name}' to end with exit code {wait.ExitCode}, and it ended with {exitCode}.");
        }
    }

    [LoggerMessage(2, LogLevel.Information, "Waiting for resource '{Resource}' ({WaitType})")]
    private static partial void LogWaiting(ILogger logger, string resource, WaitType waitType);

    [LoggerMessage(3, LogLevel.Information, "Finished waiting for resource '{Resource}'")]
    private static partial void LogWaited(ILogger logger, string resource);
}
