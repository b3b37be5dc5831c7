using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;
using Aspire.Hosting.Pipelines;
using Aspire.Hosting.Publishing;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Simulator.Orchestration;

/// <summary>Publish mode: runs the pipeline and ends the AppHost, with exit code 1 where it failed.</summary>
internal sealed partial class PipelineRun(
    DistributedApplicationPipeline pipeline,
    DistributedApplicationModel model,
    DistributedApplicationExecutionContext executionContext,
    IDistributedApplicationEventing eventing,
    IServiceProvider services,
    IHostApplicationLifetime lifetime,
    ILogger<DistributedApplication> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await eventing.PublishAsync(new BeforePublishEvent(services, model), stoppingToken).ConfigureAwait(false);
            var context = new PipelineContext(model, executionContext, services, logger, stoppingToken);
            await pipeline.ExecuteAsync(context).ConfigureAwait(false);
            foreach (var item in context.Summary.Items)
            {
                LogSummary(logger, item.Key, item.Value);
            }

            await eventing.PublishAsync(new AfterPublishEvent(services, model), stoppingToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            Environment.ExitCode = 1;
        }
        catch (Exception exception)
        {
            LogFailed(logger, exception.Message);
            LogDetails(logger, exception);
            Environment.ExitCode = 1;
        }
        finally
        {
            lifetime.StopApplication();
        }
    }

    [LoggerMessage(0, LogLevel.Information, "{Key}: {Value}")]
    private static partial void LogSummary(ILogger logger, string key, string value);

    [LoggerMessage(0, LogLevel.Error, "Publishing failed. {Message}")]
    private static partial void LogFailed(ILogger logger, string message);

    [LoggerMessage(0, LogLevel.Debug, "Publishing failed.")]
    private static partial void LogDetails(ILogger logger, Exception exception);
}
