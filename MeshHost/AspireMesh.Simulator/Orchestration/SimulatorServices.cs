using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;
using Aspire.Hosting.Pipelines;
using AspireMesh.Simulator.Containers;
using AspireMesh.Simulator.Dashboard.Start;
using AspireMesh.Simulator.Processes;
using AspireMesh.Simulator.ProjectFiles;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Simulator.Orchestration;

/// <summary>The services of every AppHost.</summary>
internal static class SimulatorServices
{
    public static void Add(DistributedApplicationBuilder builder, DistributedApplicationEventing eventing, DistributedApplicationPipeline pipeline)
    {
        var services = builder.Services;
        var options = builder.Options;
        services.AddSingleton(options);
        services.AddSingleton(builder.ExecutionContext);
        services.AddSingleton(new AppHostInfo(builder.AppHostDirectory, Path.GetFileName(builder.AppHostPath)));
        services.AddSingleton(new DistributedApplicationModel(builder.Resources));
        services.TryAddSingleton(options.TimeProvider);
        services.AddSingleton<IDistributedApplicationEventing>(eventing);
        services.AddSingleton(pipeline);
        services.AddSingleton<IDistributedApplicationPipeline>(pipeline);
        services.AddSingleton<IPipelineOutputService, PipelineOutput>();
        services.AddOptions<PipelineOptions>().Bind(builder.Configuration.GetSection("Pipeline"));
        services.AddSingleton(provider => CreateLoggerService(provider, options.EnableResourceLogging));
        services.AddSingleton<ResourceNotificationService>();
        services.AddSingleton(provider => new ResourceCommandService(provider.GetRequiredService<ResourceNotificationService>(), provider.GetRequiredService<ResourceLoggerService>(), provider));
        if (builder.ExecutionContext.IsRunMode && !options.DisableDashboard)
        {
            services.AddDashboard(builder.Configuration, options.DashboardApplicationName ?? builder.Environment.ApplicationName, mayInstall: !IsTest(builder.Configuration));
        }

        services.AddOptions<ResourceNotificationServiceOptions>().Configure(o =>
            o.DefaultWaitBehavior = options.DisableDashboard ? WaitBehavior.StopOnResourceUnavailable : WaitBehavior.WaitOnResourceUnavailable);
        services.AddHealthChecks();
        services.AddSingleton<ApplicationStart>();
        services.AddSingleton<ProcessSupervisor>();
        ConfigureLogging(builder.HostBuilder.Logging);
        services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromSeconds(5));
        if (builder.ExecutionContext.IsPublishMode)
        {
            services.AddHostedService<PipelineRun>();
            return;
        }

        services.AddSingleton<ContainerEngine>();
        services.AddSingleton<ProjectOutput>();
        services.AddSingleton<DevelopmentCertificate>();
        services.AddSingleton<ProcessLaunch>();
        services.AddSingleton<ResourceLifecycle>();
        services.AddSingleton<ValueResources>();
        services.AddSingleton<HealthMonitor>();
        services.AddSingleton<Orchestrator>();
        services.AddHostedService(provider => provider.GetRequiredService<Orchestrator>());
    }

    // The test builders ask for random ports, as Aspire's do; nobody else does.
    private static bool IsTest(IConfiguration configuration) => configuration.GetValue("DcpPublisher:RandomizePorts", defaultValue: false);

    private static ResourceLoggerService CreateLoggerService(IServiceProvider provider, bool toConsole)
    {
        var factory = provider.GetRequiredService<ILoggerFactory>();
        var time = provider.GetRequiredService<TimeProvider>();
        return new ResourceLoggerService
        {
            TimeProvider = time,
            LineWritten = (id, line, isError) => factory.CreateLogger($"Resources.{id}").Log(
                toConsole ? (isError ? LogLevel.Error : LogLevel.Information) : LogLevel.Debug, "{Line}", line),
        };
    }

    private static void ConfigureLogging(ILoggingBuilder logging)
    {
        logging.AddFilter("Microsoft.Hosting.Lifetime", LogLevel.Warning);
        logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
        logging.AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks.DefaultHealthCheckService", LogLevel.None);
        logging.AddFilter("Grpc", LogLevel.Warning);
    }
}
