using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;
using Aspire.Hosting.Lifecycle;
using Aspire.Hosting.Pipelines;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Simulator.Orchestration;

/// <summary>What happens in both modes before anything starts: subscribers, BeforeStart, the step <c>before-start</c>.</summary>
internal sealed partial class ApplicationStart(
    IEnumerable<IDistributedApplicationEventingSubscriber> subscribers,
    IDistributedApplicationEventing eventing,
    DistributedApplicationExecutionContext executionContext,
    DistributedApplicationModel model,
    DistributedApplicationPipeline pipeline,
    IServiceProvider services,
    AppHostInfo appHost,
    ILogger<DistributedApplication> logger)
{
    public async Task BeforeStartAsync(CancellationToken cancellationToken)
    {
        LogStarting(logger);
        LogDirectory(logger, appHost.Directory);
        foreach (var subscriber in subscribers)
        {
            await subscriber.SubscribeAsync(eventing, executionContext, cancellationToken).ConfigureAwait(false);
        }

        await eventing.PublishAsync(new BeforeStartEvent(services, model), cancellationToken).ConfigureAwait(false);
        RequireUniqueNames();
        await pipeline.ExecuteAsync(new PipelineContext(model, executionContext, services, logger, cancellationToken), WellKnownPipelineSteps.BeforeStart).ConfigureAwait(false);
    }

    private void RequireUniqueNames()
    {
        var twice = model.Resources.GroupBy(r => r.Name, StringComparer.OrdinalIgnoreCase).Where(g => g.Count() > 1).Select(g => g.Key).ToArray();
        if (twice.Length > 0)
        {
            throw new DistributedApplicationException($"Multiple resources with the same name: {string.Join(", ", twice)}. Resource names are case-insensitive.");
        }
    }

    [LoggerMessage(0, LogLevel.Information, "Distributed application starting.")]
    private static partial void LogStarting(ILogger logger);

    [LoggerMessage(0, LogLevel.Information, "Application host directory is: {Directory}")]
    private static partial void LogDirectory(ILogger logger, string directory);
}

/// <summary>Where the AppHost is.</summary>
/// <param name="Directory">Its folder.</param>
/// <param name="Name">Its name.</param>
internal sealed record AppHostInfo(string Directory, string Name);
