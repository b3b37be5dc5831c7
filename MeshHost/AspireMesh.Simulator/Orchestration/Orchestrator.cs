using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;
using AspireMesh.Simulator.Endpoints;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Simulator.Orchestration;

/// <summary>Run mode, in Aspire's order: prepare, show, initialize, allocate, start each after what it waits for.</summary>
internal sealed partial class Orchestrator(
    DistributedApplicationModel model,
    IDistributedApplicationEventing eventing,
    ResourceNotificationService notifications,
    ResourceLoggerService loggers,
    ResourceLifecycle lifecycle,
    ValueResources values,
    HealthMonitor healthMonitor,
    IConfiguration configuration,
    IServiceProvider services,
    TimeProvider timeProvider,
    ILogger<DistributedApplication> logger) : IHostedService, IAsyncDisposable
{
    private readonly EndpointAllocation _allocation = new(configuration);
    private readonly InstanceSuffixes _suffixes = new(HashCode.Combine(Environment.ProcessId, Environment.TickCount64, 1));
    private readonly CancellationTokenSource _stopping = new();
    private List<ResourceRun> _runs = [];

    public static bool HasProcess(IResource resource) => resource is ProjectResource or ExecutableResource || resource.IsContainer();

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stopping.Token);
        var resources = model.Resources.ToArray();
        var withProcess = resources.Where(HasProcess).ToArray();
        EndpointAllocation.Validate(withProcess);
        foreach (var resource in withProcess)
        {
            _allocation.Prepare(resource, _suffixes.Next);
        }

        _runs = [.. withProcess.Select(resource => new ResourceRun(resource))];
        _runs.ForEach(lifecycle.AddCommands);
        values.Prepare(resources);
        eventing.Subscribe<BeforeResourceStartedEvent>((e, ct) => notifications.WaitForDependenciesAsync(e.Resource, ct));
        await ShowAsync(resources).ConfigureAwait(false);
        _ = RunInBackgroundAsync(healthMonitor.RunAsync(_stopping.Token));
        _ = RunInBackgroundAsync(values.FollowParentsAsync(_stopping.Token));
        foreach (var resource in resources)
        {
            await eventing.PublishAsync(new InitializeResourceEvent(resource, eventing, loggers, notifications, services), EventDispatchBehavior.NonBlockingConcurrent, _stopping.Token).ConfigureAwait(false);
        }

        foreach (var run in _runs)
        {
            run.Problems = _allocation.Open(run);
        }

        foreach (var resource in resources)
        {
            await eventing.PublishAsync(new ResourceEndpointsAllocatedEvent(resource, services), linked.Token).ConfigureAwait(false);
            await ResourceUrls.PublishAsync(resource, notifications, loggers, services, linked.Token).ConfigureAwait(false);
        }

        _ = RunInBackgroundAsync(values.StartAsync(resources, _stopping.Token));
        await Task.WhenAll(_runs.Select(run => lifecycle.StartAsync(run, linked.Token))).ConfigureAwait(false);
        await eventing.PublishAsync(new AfterResourcesCreatedEvent(services, model), linked.Token).ConfigureAwait(false);
        LogStarted(logger);
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        lifecycle.IsClosing = true;
        await _stopping.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(_runs.SelectMany(run => run.Instances.Select(instance => lifecycle.StopAsync(run, instance)))).ConfigureAwait(false);
        await _allocation.DisposeAsync().ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_stopping.IsCancellationRequested)
        {
            await StopAsync(CancellationToken.None).ConfigureAwait(false);
        }

        _stopping.Dispose();
    }

    private async Task ShowAsync(IEnumerable<IResource> resources)
    {
        var now = timeProvider.GetUtcNow().UtcDateTime;
        foreach (var resource in resources)
        {
            await notifications.PublishUpdateAsync(resource, s => HasProcess(resource) ? InitialSnapshots.OfProcess(resource, now) : InitialSnapshots.Complete(resource, s, now)).ConfigureAwait(false);
        }
    }

    private async Task RunInBackgroundAsync(Task task)
    {
        try
        {
            await task.ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // The application ends.
        }
        catch (Exception exception)
        {
            LogBackground(logger, exception);
        }
    }

    [LoggerMessage(0, LogLevel.Information, "Distributed application started. Press Ctrl+C to shut down.")]
    private static partial void LogStarted(ILogger logger);

    [LoggerMessage(1, LogLevel.Error, "A part of the orchestrator ended.")]
    private static partial void LogBackground(ILogger logger, Exception exception);
}

/// <summary>Eight letters that tell the processes of a resource apart.</summary>
internal sealed class InstanceSuffixes(int seed)
{
    private readonly Random _random = new(seed);

    public string Next() => new(_random.GetItems<char>("abcdefghjkmnpqrstuvwxyz", 8));
}
