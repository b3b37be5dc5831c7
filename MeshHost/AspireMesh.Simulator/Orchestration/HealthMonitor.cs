using System.Collections.Immutable;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Simulator.Orchestration;

/// <summary>Watches every resource: while one runs its checks are made, and once it is healthy it is ready.</summary>
internal sealed partial class HealthMonitor(
    ResourceNotificationService notifications,
    ResourceLoggerService loggers,
    HealthCheckService checks,
    IDistributedApplicationEventing eventing,
    IServiceProvider services,
    TimeProvider timeProvider)
{
    private static readonly TimeSpan WhenHealthy = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan FirstWait = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(5);

    private readonly Dictionary<string, Watch> _watches = new(StringComparer.OrdinalIgnoreCase);

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await foreach (var @event in notifications.WatchAsync(cancellationToken).ConfigureAwait(false))
        {
            Observe(@event, cancellationToken);
        }
    }

    private void Observe(ResourceEvent @event, CancellationToken cancellationToken)
    {
        var name = @event.Resource.Name;
        if (!_watches.TryGetValue(name, out var watch))
        {
            _watches[name] = watch = new Watch();
        }

        var isRunning = @event.Snapshot.State?.Text == KnownResourceStates.Running;
        if (isRunning)
        {
            // One process of several was started again: what the checks found before is no news about it, and it is not ready yet.
            if (watch.Running.Add(@event.ResourceId) && watch.Stop is not null)
            {
                watch.Stop.Cancel();
                watch.Stop = null;
            }
        }
        else
        {
            watch.Running.Remove(@event.ResourceId);
        }

        // A resource with several processes is looked at as a whole, once all of them run.
        if (watch.Running.Count == @event.Resource.GetInstanceIds().Count && watch.Stop is null)
        {
            watch.Stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            _ = ObserveAsync(@event.Resource, watch.Stop.Token);
        }
        else if (watch.Running.Count == 0 && watch.Stop is not null)
        {
            watch.Stop.Cancel();
            watch.Stop = null;
        }
    }

    private async Task ObserveAsync(IResource resource, CancellationToken cancellationToken)
    {
        try
        {
            await CheckAsync(resource, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            await notifications.PublishUpdateAsync(resource, s => s.State?.Text == KnownResourceStates.Running ? s : s with { ResourceReady = null }).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            LogFailed(loggers.GetLogger(resource), exception);
        }
    }

    private async Task CheckAsync(IResource resource, CancellationToken cancellationToken)
    {
        var keys = CheckKeys(resource);
        var isReady = false;
        var wait = FirstWait;
        while (true)
        {
            var isHealthy = true;
            if (keys.Count > 0)
            {
                var report = await checks.CheckHealthAsync(r => keys.Contains(r.Name), cancellationToken).ConfigureAwait(false);
                isHealthy = report.Status == HealthStatus.Healthy && report.Entries.Count == keys.Count;
                await PublishAsync(resource, keys, report).ConfigureAwait(false);
            }

            if (isHealthy && !isReady)
            {
                isReady = true;
                await MakeReadyAsync(resource, cancellationToken).ConfigureAwait(false);
            }

            if (keys.Count == 0)
            {
                return;
            }

            wait = isHealthy ? FirstWait : TimeSpan.FromTicks(Math.Min(wait.Ticks * 3 / 2, LongestWait.Ticks));
            await Task.Delay(isHealthy ? WhenHealthy : wait, timeProvider, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task MakeReadyAsync(IResource resource, CancellationToken cancellationToken)
    {
        // The handlers run while waiters already see that they have been started; those who wait for readiness await this task.
        var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var publish = eventing.PublishAsync(new ResourceReadyEvent(resource, services), cancellationToken);
        _ = publish.ContinueWith(p => _ = p.IsFaulted ? ready.TrySetException(p.Exception!.InnerExceptions) : ready.TrySetResult(), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        await notifications.PublishUpdateAsync(resource, s => s with { ResourceReady = ready.Task }).ConfigureAwait(false);
    }

    private Task PublishAsync(IResource resource, HashSet<string> keys, HealthReport report)
    {
        var now = timeProvider.GetUtcNow().UtcDateTime;
        var reports = keys.Order(StringComparer.Ordinal).Select(key => report.Entries.TryGetValue(key, out var entry)
            ? new HealthReportSnapshot(key, entry.Status, entry.Description, entry.Exception?.ToString()) { LastRunAt = now }
            : new HealthReportSnapshot(key, HealthStatus.Unhealthy, $"No health check is registered as '{key}': builder.Services.AddHealthChecks().AddCheck(\"{key}\", …).", null) { LastRunAt = now }).ToImmutableArray();
        return notifications.PublishUpdateAsync(resource, s => s.WithHealthReports(reports));
    }

    // A child without a process of its own is as healthy as what it belongs to, too.
    private static HashSet<string> CheckKeys(IResource resource) =>
        resource.TryGetAnnotationsIncludingAncestorsOfType<HealthCheckAnnotation>(out var annotations) ? [.. annotations.Select(a => a.Key)] : [];

    [LoggerMessage(1, LogLevel.Error, "The health checks ended.")]
    private static partial void LogFailed(ILogger logger, Exception exception);

    private sealed class Watch
    {
        public HashSet<string> Running { get; } = new(StringComparer.OrdinalIgnoreCase);

        public CancellationTokenSource? Stop { get; set; }
    }
}
