using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;
using Aspire.Hosting.Lifecycle;
using AspireMesh.Simulator.Dashboard.Install;
using AspireMesh.Simulator.Dashboard.Service;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Simulator.Dashboard.Start;

/// <summary>Adds the dashboard to the model before the application starts, where one can be had; otherwise says how, and the application runs without.</summary>
internal sealed partial class DashboardSubscriber(
    DashboardFinder finder, ResourceServiceHost resourceService, IConfiguration configuration, IHostEnvironment environment, ILogger<DistributedApplication> logger)
    : IDistributedApplicationEventingSubscriber
{
    public Task SubscribeAsync(IDistributedApplicationEventing eventing, DistributedApplicationExecutionContext executionContext, CancellationToken cancellationToken)
    {
        if (executionContext.IsRunMode)
        {
            eventing.Subscribe<BeforeStartEvent>((starting, stopping) => AddDashboardAsync(starting, eventing, stopping));
        }

        return Task.CompletedTask;
    }

    private async Task AddDashboardAsync(BeforeStartEvent starting, IDistributedApplicationEventing eventing, CancellationToken cancellationToken)
    {
        var found = await finder.FindAsync(cancellationToken).ConfigureAwait(false);
        if (found.Path is not { } path)
        {
            LogMissing(logger, found.Problem);
            return;
        }

        var address = await resourceService.StartAsync(cancellationToken).ConfigureAwait(false);
        var dashboard = DashboardResource.Create(path, new DashboardEnvironment(configuration, environment, address), configuration);
        // First in the list, so that it starts first and the others' telemetry finds it.
        starting.Model.Resources.Insert(0, dashboard);
        eventing.Subscribe<ResourceReadyEvent>(dashboard, (ready, stopping) => AnnounceAsync((ExecutableResource)ready.Resource, stopping));
    }

    private async Task AnnounceAsync(ExecutableResource dashboard, CancellationToken cancellationToken)
    {
        var endpoint = DashboardResource.FindFrontend(dashboard);
        if (await endpoint.GetValueAsync(cancellationToken).ConfigureAwait(false) is not { } url)
        {
            return;
        }

        LogListening(logger, url);
        if (configuration[DashboardKeys.BrowserToken] is { Length: > 0 } token)
        {
            LogLogin(logger, url, token);
        }
    }

    [LoggerMessage(0, LogLevel.Warning, "No dashboard: {Problem}")]
    private static partial void LogMissing(ILogger logger, string? problem);

    [LoggerMessage(0, LogLevel.Information, "Now listening on: {Url}")]
    private static partial void LogListening(ILogger logger, string url);

    [LoggerMessage(0, LogLevel.Information, "Login to the dashboard at {Url}/login?t={Token}")]
    private static partial void LogLogin(ILogger logger, string url, string token);
}
