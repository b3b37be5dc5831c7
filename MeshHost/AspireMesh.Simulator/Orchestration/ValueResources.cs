using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Simulator.Orchestration;

/// <summary>Resources without a process: parameters, connection strings, external services, and children that live and end with their parent.</summary>
internal sealed partial class ValueResources(
    IDistributedApplicationEventing eventing,
    ResourceNotificationService notifications,
    IServiceProvider services,
    DistributedApplicationModel model,
    ILogger<DistributedApplication> logger)
{
    private static readonly ResourceStateSnapshot Running = new(KnownResourceStates.Running, KnownResourceStateStyles.Success);

    /// <summary>From here on, whoever asks a parameter waits for its value.</summary>
    public void Prepare(IEnumerable<IResource> resources)
    {
        foreach (var parameter in resources.OfType<ParameterResource>())
        {
            parameter.Pending = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        foreach (var parent in resources.Where(r => r is IResourceWithConnectionString))
        {
            eventing.Subscribe<ConnectionStringAvailableEvent>(parent, async (_, cancellationToken) =>
            {
                foreach (var child in ChildrenOf(parent).Where(c => c is IResourceWithConnectionString))
                {
                    await eventing.PublishAsync(new ConnectionStringAvailableEvent(child, services), cancellationToken).ConfigureAwait(false);
                }
            });
        }
    }

    public Task StartAsync(IEnumerable<IResource> resources, CancellationToken cancellationToken) => Task.WhenAll(resources.Select(resource => resource switch
    {
        ParameterResource parameter => StartAsync(parameter, cancellationToken),
        ExternalServiceResource external => StartAsync(external, cancellationToken),
        ConnectionStringResource connectionString => StartAsync(connectionString, cancellationToken),
        _ => Task.CompletedTask,
    }));

    /// <summary>Keeps the state of children without a process at their parent's.</summary>
    public async Task FollowParentsAsync(CancellationToken cancellationToken)
    {
        await foreach (var @event in notifications.WatchAsync(cancellationToken).ConfigureAwait(false))
        {
            if (!Orchestrator.HasProcess(@event.Resource))
            {
                continue;
            }

            foreach (var child in ChildrenOf(@event.Resource).Where(c => !Orchestrator.HasProcess(c) && c is not IResourceWithoutLifetime))
            {
                await notifications.PublishUpdateAsync(child, s => s with
                {
                    State = @event.Snapshot.State,
                    StartTimeStamp = @event.Snapshot.StartTimeStamp,
                    StopTimeStamp = @event.Snapshot.StopTimeStamp,
                    ResourceReady = @event.Snapshot.State?.Text == KnownResourceStates.Running ? s.ResourceReady : null,
                }).ConfigureAwait(false);
            }
        }
    }

    private IEnumerable<IResource> ChildrenOf(IResource parent) => model.Resources.Where(r => r is IResourceWithParent child && child.Parent == parent);

    private async Task StartAsync(ParameterResource parameter, CancellationToken cancellationToken)
    {
        try
        {
            var value = parameter.Resolve();
            await notifications.PublishUpdateAsync(parameter, s => s with
            {
                State = Running,
                Properties = InitialSnapshots.Merge(s.Properties, [new ResourcePropertySnapshot("Value", value) { IsSensitive = parameter.Secret }]),
            }).ConfigureAwait(false);
            parameter.Pending!.TrySetResult(value);
            if (parameter is IResourceWithConnectionString)
            {
                await eventing.PublishAsync(new ConnectionStringAvailableEvent(parameter, services), cancellationToken).ConfigureAwait(false);
            }
        }
        catch (MissingParameterValueException exception)
        {
            LogMissing(logger, exception.Message);
            await notifications.PublishUpdateAsync(parameter, s => s with { State = new ResourceStateSnapshot(KnownResourceStates.ValueMissing, KnownResourceStateStyles.Warn) }).ConfigureAwait(false);
        }
    }

    private async Task StartAsync(ExternalServiceResource external, CancellationToken cancellationToken)
    {
        try
        {
            if (external.UrlParameter is { } parameter)
            {
                ExternalServiceResource.Parse(await parameter.GetValueAsync(cancellationToken).ConfigureAwait(false) ?? "", external.Name);
            }

            await notifications.PublishUpdateAsync(external, s => s with { State = Running }).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is ArgumentException or DistributedApplicationException)
        {
            LogInvalid(logger, exception.Message);
            await notifications.PublishUpdateAsync(external, s => s with { State = new ResourceStateSnapshot(KnownResourceStates.FailedToStart, KnownResourceStateStyles.Error) }).ConfigureAwait(false);
        }
    }

    private async Task StartAsync(ConnectionStringResource connectionString, CancellationToken cancellationToken)
    {
        try
        {
            await eventing.PublishAsync(new BeforeResourceStartedEvent(connectionString, services), cancellationToken).ConfigureAwait(false);
            var value = await connectionString.ConnectionStringExpression.GetValueAsync(cancellationToken).ConfigureAwait(false);
            await eventing.PublishAsync(new ConnectionStringAvailableEvent(connectionString, services), cancellationToken).ConfigureAwait(false);
            await notifications.PublishUpdateAsync(connectionString, s => s with
            {
                State = Running,
                Properties = InitialSnapshots.Merge(s.Properties, [new ResourcePropertySnapshot(CustomResourceKnownProperties.ConnectionString, value) { IsSensitive = true }]),
            }).ConfigureAwait(false);
        }
        catch (DistributedApplicationException exception)
        {
            LogInvalid(logger, exception.Message);
            await notifications.PublishUpdateAsync(connectionString, s => s with { State = new ResourceStateSnapshot(KnownResourceStates.FailedToStart, KnownResourceStateStyles.Error) }).ConfigureAwait(false);
        }
    }

    [LoggerMessage(5, LogLevel.Warning, "{Message} What needs it waits.")]
    private static partial void LogMissing(ILogger logger, string message);

    [LoggerMessage(6, LogLevel.Error, "{Message}")]
    private static partial void LogInvalid(ILogger logger, string message);
}
