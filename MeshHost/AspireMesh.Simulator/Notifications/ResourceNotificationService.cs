using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>Waits without saying what to do when the other cannot come up do this.</summary>
public sealed class ResourceNotificationServiceOptions
{
    /// <summary>Wait on with a dashboard, stop without.</summary>
    public WaitBehavior DefaultWaitBehavior { get; set; }
}

/// <summary>The latest snapshot of every instance of every resource, and who watches them.</summary>
public partial class ResourceNotificationService : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, ResourceEvent> _latest = new(StringComparer.OrdinalIgnoreCase);
    private readonly ILogger<ResourceNotificationService> _logger;
    private readonly ResourceLoggerService _resourceLoggers;
    private readonly CancellationTokenSource _stopping;
    private readonly IServiceProvider _services;
    private readonly ConcurrentDictionary<Channel<ResourceEvent>, bool> _watchers = new();

    /// <summary>Made by the application's services.</summary>
    public ResourceNotificationService(ILogger<ResourceNotificationService> logger, IHostApplicationLifetime hostApplicationLifetime, IServiceProvider serviceProvider, ResourceLoggerService resourceLoggerService)
    {
        _logger = logger;
        _services = serviceProvider;
        _resourceLoggers = resourceLoggerService;
        _stopping = CancellationTokenSource.CreateLinkedTokenSource(hostApplicationLifetime.ApplicationStopping);
    }

    private WaitBehavior DefaultWaitBehavior => _services.GetService<IOptions<ResourceNotificationServiceOptions>>()?.Value.DefaultWaitBehavior ?? WaitBehavior.StopOnResourceUnavailable;

    /// <summary>Changes the snapshot of every instance of a resource.</summary>
    public async Task PublishUpdateAsync(IResource resource, Func<CustomResourceSnapshot, CustomResourceSnapshot> stateFactory)
    {
        foreach (var id in resource.GetInstanceIds())
        {
            await PublishUpdateAsync(resource, id, stateFactory).ConfigureAwait(false);
        }
    }

    /// <summary>Changes the snapshot of one instance; an unchanged one is not published.</summary>
    public Task PublishUpdateAsync(IResource resource, string resourceId, Func<CustomResourceSnapshot, CustomResourceSnapshot> stateFactory)
    {
        ArgumentNullException.ThrowIfNull(resource);
        ArgumentException.ThrowIfNullOrEmpty(resourceId);
        lock (_gate)
        {
            var previous = _latest.TryGetValue(resourceId, out var known) ? known.Snapshot : InitialSnapshot(resource);
            var next = stateFactory(previous);
            next = next with { Commands = ResourceCommandService.Describe(resource, next, _services) };
            if (known is not null && next.Equals(previous))
            {
                return Task.CompletedTask;
            }

            var @event = new ResourceEvent(resource, resourceId, next);
            _latest[resourceId] = @event;
            foreach (var watcher in _watchers.Keys)
            {
                watcher.Writer.TryWrite(@event);
            }

            if (next.State?.Text != previous.State?.Text)
            {
                LogState(_logger, resourceId, previous.State?.Text, next.State?.Text);
            }
        }

        return Task.CompletedTask;
    }

    /// <summary>The latest snapshot of an instance, or of a resource that has just one.</summary>
    public bool TryGetCurrentState(string resourceId, [NotNullWhen(true)] out ResourceEvent? resourceEvent)
    {
        lock (_gate)
        {
            if (_latest.TryGetValue(resourceId, out resourceEvent))
            {
                return true;
            }

            var byName = _latest.Values.Where(e => string.Equals(e.Resource.Name, resourceId, StringComparison.OrdinalIgnoreCase)).Take(2).ToArray();
            resourceEvent = byName.Length == 1 ? byName[0] : null;
            return resourceEvent is not null;
        }
    }

    /// <summary>The latest snapshot of every instance, then every new one.</summary>
    public async IAsyncEnumerable<ResourceEvent> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var channel = Channel.CreateUnbounded<ResourceEvent>(new UnboundedChannelOptions { SingleReader = true });
        lock (_gate)
        {
            foreach (var @event in _latest.Values)
            {
                channel.Writer.TryWrite(@event);
            }

            _watchers[channel] = true;
        }

        try
        {
            await foreach (var @event in channel.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false))
            {
                yield return @event;
            }
        }
        finally
        {
            _watchers.TryRemove(channel, out _);
        }
    }

    /// <summary>Waits until some instance is in that state; null for Running.</summary>
    public Task WaitForResourceAsync(string resourceName, string? targetState = null, CancellationToken cancellationToken = default) =>
        WaitForResourceAsync(resourceName, e => string.Equals(e.Snapshot.State?.Text, targetState ?? KnownResourceStates.Running, StringComparison.OrdinalIgnoreCase), cancellationToken);

    /// <summary>Waits until some instance is in one of those states, and says which.</summary>
    public async Task<string> WaitForResourceAsync(string resourceName, IEnumerable<string> targetStates, CancellationToken cancellationToken = default)
    {
        var states = targetStates.ToArray();
        var @event = await WaitForResourceAsync(resourceName, e => e.Snapshot.State is { } state && states.Contains(state.Text, StringComparer.OrdinalIgnoreCase), cancellationToken).ConfigureAwait(false);
        return @event.Snapshot.State!.Text;
    }

    /// <summary>Waits until some instance satisfies <paramref name="predicate"/>. Cancelled when the application stops.</summary>
    public async Task<ResourceEvent> WaitForResourceAsync(string resourceName, Func<ResourceEvent, bool> predicate, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(resourceName);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stopping.Token);
        await foreach (var @event in WatchAsync(linked.Token).ConfigureAwait(false))
        {
            if (string.Equals(@event.Resource.Name, resourceName, StringComparison.OrdinalIgnoreCase) && predicate(@event))
            {
                return @event;
            }
        }

        throw new OperationCanceledException($"The application ended while '{resourceName}' was waited for.");
    }

    /// <summary>Waits until the resource is healthy and its ready handlers have run.</summary>
    public Task<ResourceEvent> WaitForResourceHealthyAsync(string resourceName, CancellationToken cancellationToken = default) =>
        WaitForResourceHealthyAsync(resourceName, DefaultWaitBehavior, cancellationToken);

    /// <summary>Waits until the resource is healthy and its ready handlers have run; throws where it cannot come up and <paramref name="waitBehavior"/> says so.</summary>
    public async Task<ResourceEvent> WaitForResourceHealthyAsync(string resourceName, WaitBehavior waitBehavior, CancellationToken cancellationToken = default)
    {
        var @event = await WaitForResourceAsync(resourceName, e => IsReady(e.Snapshot) || (waitBehavior == WaitBehavior.StopOnResourceUnavailable && IsUnavailable(e.Snapshot)), cancellationToken).ConfigureAwait(false);
        if (!IsReady(@event.Snapshot))
        {
            throw new DistributedApplicationException($"Stopped waiting for resource '{resourceName}' to become healthy: it is {@event.Snapshot.State?.Text}.");
        }

        await @event.Snapshot.ResourceReady!.WaitAsync(cancellationToken).ConfigureAwait(false);
        return @event;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _stopping.Cancel();
        foreach (var watcher in _watchers.Keys)
        {
            watcher.Writer.TryComplete();
        }

        GC.SuppressFinalize(this);
    }

    internal IReadOnlyList<ResourceEvent> Latest()
    {
        lock (_gate)
        {
            return [.. _latest.Values];
        }
    }

    private static bool IsReady(CustomResourceSnapshot snapshot) =>
        snapshot.HealthStatus == Microsoft.Extensions.Diagnostics.HealthChecks.HealthStatus.Healthy && snapshot.ResourceReady is not null;

    private static bool IsUnavailable(CustomResourceSnapshot snapshot) => snapshot.State is { } state
        && (KnownResourceStates.TerminalStates.Contains(state.Text) || state.Text == KnownResourceStates.RuntimeUnhealthy);

    private static CustomResourceSnapshot InitialSnapshot(IResource resource) => resource.TryGetLastAnnotation<ResourceSnapshotAnnotation>(out var initial)
        ? initial.InitialSnapshot
        : new CustomResourceSnapshot { ResourceType = resource.GetType().Name, Properties = [] };

    [LoggerMessage(1, LogLevel.Debug, "{ResourceId}: {Previous} -> {State}")]
    private static partial void LogState(ILogger logger, string resourceId, string? previous, string? state);
}
