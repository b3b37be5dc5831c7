using System.Globalization;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;
using AspireMesh.Simulator.Containers;
using AspireMesh.Simulator.Processes;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Simulator.Orchestration;

/// <summary>Starts and stops the processes of resources and says what became of them.</summary>
internal sealed partial class ResourceLifecycle(
    IDistributedApplicationEventing eventing,
    ResourceNotificationService notifications,
    ResourceLoggerService loggers,
    ProcessSupervisor supervisor,
    ProcessLaunch launch,
    ContainerEngine engine,
    DistributedApplicationExecutionContext executionContext,
    IServiceProvider services,
    TimeProvider timeProvider,
    ILogger<DistributedApplication> logger)
{
    /// <summary>The application ends: nothing is started any more, and the ends of processes are no news.</summary>
    public bool IsClosing { get; set; }

    /// <summary>Starts all processes of a resource, after what it waits for. A failure is the resource's state, not an exception.</summary>
    public async Task StartAsync(ResourceRun run, CancellationToken cancellationToken)
    {
        if (run.Resource.HasAnnotationOfType<ExplicitStartupAnnotation>())
        {
            await PublishConnectionStringAsync(run.Resource, cancellationToken).ConfigureAwait(false);
            return;
        }

        await StartAsync(run, run.Instances, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Starts one process anew: callbacks are evaluated again.</summary>
    public async Task StartAgainAsync(ResourceRun run, InstanceRun instance, CancellationToken cancellationToken)
    {
        foreach (var annotation in run.Resource.Annotations)
        {
            (annotation as EnvironmentCallbackAnnotation)?.Evaluated.Forget();
            (annotation as CommandLineArgsCallbackAnnotation)?.Evaluated.Forget();
        }

        await StartAsync(run, [instance], cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Ends a process, or the start that still waits.</summary>
    public async Task StopAsync(ResourceRun run, InstanceRun instance)
    {
        instance.Starting?.Cancel();
        await instance.Gate.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        try
        {
            if (instance.Process is { Exited.IsCompleted: false } process)
            {
                instance.IsStopping = true;
                await SetStateAsync(run, instance, s => s with { State = new ResourceStateSnapshot(KnownResourceStates.Stopping, KnownResourceStateStyles.Info) }).ConfigureAwait(false);
                await supervisor.StopAsync(process).ConfigureAwait(false);
                await instance.Ended.ConfigureAwait(false);
            }
        }
        finally
        {
            instance.Gate.Release();
        }
    }

    private async Task StartAsync(ResourceRun run, IReadOnlyList<InstanceRun> instances, CancellationToken cancellationToken)
    {
        using var starting = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        foreach (var instance in instances)
        {
            instance.Starting = starting;
        }

        try
        {
            if (run.Problems.Count > 0)
            {
                throw new ProcessStartException(string.Join(' ', run.Problems));
            }

            await PublishConnectionStringAsync(run.Resource, starting.Token).ConfigureAwait(false);
            await SetStateAsync(run, instances, s => s with { State = KnownResourceStates.Starting, ExitCode = null, StopTimeStamp = null }).ConfigureAwait(false);
            await eventing.PublishAsync(new BeforeResourceStartedEvent(run.Resource, services), starting.Token).ConfigureAwait(false);
            await SetStateAsync(run, instances, s => s with { State = KnownResourceStates.Starting }).ConfigureAwait(false);
            var configuration = await ExecutionConfigurationBuilder.Create(run.Resource).WithArgumentsConfig().WithEnvironmentVariablesConfig()
                .BuildAsync(executionContext, loggers.GetLogger(run.Resource), starting.Token).ConfigureAwait(false);
            if (configuration.Exception is { } exception)
            {
                throw new ProcessStartException(exception is AggregateException several ? string.Join(' ', several.InnerExceptions.Select(e => e.Message)) : exception.Message);
            }

            await Task.WhenAll(instances.Select(instance => LaunchAsync(run, instance, configuration, starting.Token))).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (starting.IsCancellationRequested)
        {
            await SetStateAsync(run, instances.Where(i => !i.IsRunning), s => s with { State = KnownResourceStates.Exited }).ConfigureAwait(false);
        }
        catch (Exception failure)
        {
            await FailAsync(run, instances.Where(i => !i.IsRunning), failure).ConfigureAwait(false);
        }
        finally
        {
            foreach (var instance in instances)
            {
                instance.Starting = null;
            }
        }
    }

    private async Task LaunchAsync(ResourceRun run, InstanceRun instance, IExecutionConfigurationResult configuration, CancellationToken cancellationToken)
    {
        await instance.Gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (IsClosing || instance.IsRunning)
            {
                return;
            }

            var id = instance.Instance.InstanceId;
            var spec = await launch.CreateAsync(run.Resource, instance.Instance, configuration, text => loggers.Append(id, text, true), cancellationToken).ConfigureAwait(false);
            instance.IsStopping = false;
            instance.LastError = null;
            var process = supervisor.Start(spec, (line, isError) =>
            {
                instance.LastError = isError ? line : instance.LastError;
                loggers.Append(id, line, isError);
            });
            instance.Process = process;
            await SetStateAsync(run, instance, s => Running(s, spec, process, configuration)).ConfigureAwait(false);
            instance.Ended = WatchAsync(run, instance, process);
        }
        finally
        {
            instance.Gate.Release();
        }
    }

    private CustomResourceSnapshot Running(CustomResourceSnapshot snapshot, ProcessSpec spec, ChildProcess process, IExecutionConfigurationResult configuration) => snapshot with
    {
        State = new ResourceStateSnapshot(KnownResourceStates.Running, KnownResourceStateStyles.Success),
        StartTimeStamp = timeProvider.GetUtcNow().UtcDateTime,
        StopTimeStamp = null,
        ExitCode = null,
        Urls = [.. snapshot.Urls.Select(u => u with { IsInactive = false })],
        EnvironmentVariables = [.. configuration.EnvironmentVariables.Select(v => new EnvironmentVariableSnapshot(v.Key, v.Value, true))],
        Properties = InitialSnapshots.Merge(snapshot.Properties,
        [
            new("executable.path", spec.FileName),
            new("executable.workDir", spec.WorkingDirectory),
            new("executable.args", spec.Arguments.ToArray()) { IsSensitive = configuration.Arguments.Any(a => a.IsSensitive) },
            new("executable.pid", process.Pid.ToString(CultureInfo.InvariantCulture)),
        ]),
    };

    private async Task WatchAsync(ResourceRun run, InstanceRun instance, ChildProcess process)
    {
        var exitCode = await process.Exited.ConfigureAwait(false);
        if (run.Resource.IsContainer())
        {
            await engine.RemoveAsync(run.Resource, instance.Instance).ConfigureAwait(false);
        }

        var wasAsked = instance.IsStopping;
        var state = wasAsked || run.Resource.IsContainer() ? KnownResourceStates.Exited : KnownResourceStates.Finished;
        var style = wasAsked ? null : exitCode == 0 ? KnownResourceStateStyles.Success : KnownResourceStateStyles.Error;
        if (!wasAsked && exitCode != 0 && !IsClosing)
        {
            LogEnded(logger, instance.Instance.InstanceId, exitCode, instance.LastError is { } line ? $" Its last error line: {line}" : "");
        }

        await SetStateAsync(run, instance, s => s with
        {
            State = new ResourceStateSnapshot(state, style),
            ExitCode = exitCode,
            StopTimeStamp = timeProvider.GetUtcNow().UtcDateTime,
            ResourceReady = null,

            // What the checks found is no news about the next process.
            HealthReports = [.. s.HealthReports.Select(r => r with { Status = null })],
            Urls = [.. s.Urls.Select(u => u with { IsInactive = true })],
        }).ConfigureAwait(false);
        await PublishStoppedAsync(run, instance).ConfigureAwait(false);
    }

    private async Task FailAsync(ResourceRun run, IEnumerable<InstanceRun> instances, Exception failure)
    {
        var failed = instances.ToArray();
        foreach (var instance in failed)
        {
            loggers.Append(instance.Instance.InstanceId, failure.Message, true);
        }

        LogFailed(logger, run.Resource.Name, failure.Message);
        LogDetails(logger, failure);
        await SetStateAsync(run, failed, s => s with { State = new ResourceStateSnapshot(KnownResourceStates.FailedToStart, KnownResourceStateStyles.Error), StopTimeStamp = timeProvider.GetUtcNow().UtcDateTime }).ConfigureAwait(false);
        foreach (var instance in failed)
        {
            await PublishStoppedAsync(run, instance).ConfigureAwait(false);
        }
    }

    private async Task PublishStoppedAsync(ResourceRun run, InstanceRun instance)
    {
        if (!IsClosing && notifications.TryGetCurrentState(instance.Instance.InstanceId, out var last))
        {
            await eventing.PublishAsync(new ResourceStoppedEvent(run.Resource, services, last), EventDispatchBehavior.NonBlockingConcurrent).ConfigureAwait(false);
        }
    }

    private async Task PublishConnectionStringAsync(IResource resource, CancellationToken cancellationToken)
    {
        if (resource is IResourceWithConnectionString)
        {
            await eventing.PublishAsync(new ConnectionStringAvailableEvent(resource, services), cancellationToken).ConfigureAwait(false);
        }
    }

    private Task SetStateAsync(ResourceRun run, InstanceRun instance, Func<CustomResourceSnapshot, CustomResourceSnapshot> change) =>
        notifications.PublishUpdateAsync(run.Resource, instance.Instance.InstanceId, change);

    private Task SetStateAsync(ResourceRun run, IEnumerable<InstanceRun> instances, Func<CustomResourceSnapshot, CustomResourceSnapshot> change) =>
        Task.WhenAll(instances.Select(instance => SetStateAsync(run, instance, change)));

    [LoggerMessage(2, LogLevel.Error, "{Resource} failed to start: {Message}")]
    private static partial void LogFailed(ILogger logger, string resource, string message);

    [LoggerMessage(3, LogLevel.Debug, "Failed to start.")]
    private static partial void LogDetails(ILogger logger, Exception exception);

    [LoggerMessage(4, LogLevel.Warning, "{Instance} ended with exit code {ExitCode}.{LastError}")]
    private static partial void LogEnded(ILogger logger, string instance, int exitCode, string lastError);
}
