using AspireMesh.Protocol.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Hosting.Lifecycle;

/// <summary>Starts a sidecar's or the control plane's process again when it stops by itself; one that a user stopped stays stopped.</summary>
internal sealed partial class SidecarRestarts(IServiceProvider services, ResourceNotificationService notifications, TimeProvider time)
{
    /// <summary>The first start is at once: callers wait. The pause before a start grows with each stop in a row after that, from this.</summary>
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100);

    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(10);

    private readonly ILogger _logger = services.GetRequiredService<ILoggerFactory>().CreateLogger("AspireMesh");
    private readonly Dictionary<ExecutableResource, (int Restarts, int InARow, string? State)> _seen = [];

    /// <summary>Follows the sidecars until the application ends.</summary>
    public async Task FollowAsync(CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var change in notifications.WatchAsync(cancellationToken))
            {
                if (change.Resource is not ExecutableResource sidecar || sidecar is not (MeshSidecarProcessResource or MeshControlResource)) continue;
                var (restarts, inARow, before) = _seen.GetValueOrDefault(sidecar);
                var state = change.Snapshot.State?.Text;
                if (change.Snapshot.HealthStatus == HealthStatus.Healthy) inARow = 0;
                var died = before is not null && before != state && before != KnownResourceStates.Stopping && (state == KnownResourceStates.Exited || state == KnownResourceStates.Finished || state == KnownResourceStates.FailedToStart);
                if (died) (restarts, inARow) = (restarts + 1, inARow + 1);
                _seen[sidecar] = (restarts, inARow, state);

                // Not awaited: while one that keeps stopping is paused, another is started at once.
                if (died) _ = RestartAsync(sidecar, change.Snapshot.ExitCode, restarts, inARow, cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            _seen.Clear();
        }
    }

    private async Task RestartAsync(ExecutableResource sidecar, int? exitCode, int restarts, int inARow, CancellationToken cancellationToken)
    {
        var pause = inARow < 2 ? TimeSpan.Zero : TimeSpan.FromTicks(Math.Min(LongestPause.Ticks, FirstPause.Ticks << Math.Min(inARow - 2, 10)));
        if (exitCode == 0 && sidecar is MeshSidecarProcessResource) LogHandedOver(sidecar.Name);
        else LogDied(MeshDiagnostics.SidecarDied.Found($"'{sidecar.Name}' stopped by itself (exit code {exitCode?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "unknown"}) and is started again").ToString());
        await notifications.PublishUpdateAsync(sidecar, s => s with { Properties = SidecarRows.With(s.Properties, ("mesh.restarts", restarts)) });
        try
        {
            await Task.Delay(pause, time, cancellationToken);
            var result = await services.GetRequiredService<ResourceCommandService>().ExecuteCommandAsync(sidecar, KnownResourceCommands.StartCommand, cancellationToken);
            if (!result.Success && !result.Canceled) LogNotStarted(sidecar.Name, result.Message ?? "no reason given");
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            LogNotStarted(sidecar.Name, e.Message);
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "{Problem}")]
    private partial void LogDied(string problem);

    [LoggerMessage(3, LogLevel.Information, "'{Name}' ended after it had handed its ports over, and is started anew.")]
    private partial void LogHandedOver(string name);

    [LoggerMessage(2, LogLevel.Error, "The sidecar '{Name}' could not be started again: {Reason}. Start it in the dashboard.")]
    private partial void LogNotStarted(string name, string reason);
}
