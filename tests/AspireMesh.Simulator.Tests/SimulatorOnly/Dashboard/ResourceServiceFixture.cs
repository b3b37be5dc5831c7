using Aspire.Hosting.ApplicationModel;
using AspireMesh.Simulator.Dashboard.Feed;
using AspireMesh.Simulator.Dashboard.Protocol;
using AspireMesh.Simulator.Dashboard.Service;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Logging.Abstractions;

namespace AspireMesh.Simulator.Tests.SimulatorOnly.Dashboard;

/// <summary>The resource service on a real port, with a client as the dashboard has.</summary>
internal sealed class ResourceServiceFixture : IAsyncDisposable
{
    internal const string Key = "the-key";
    private readonly ApplicationLifetime _lifetime;
    private readonly ServiceProvider _services;
    private readonly ResourceServiceHost _host;
    private readonly GrpcChannel _channel;

    private ResourceServiceFixture(ServiceProvider services, ApplicationLifetime lifetime, ResourceServiceHost host, Uri address)
    {
        (_services, _lifetime, _host) = (services, lifetime, host);
        _channel = GrpcChannel.ForAddress(address);
        Client = new DashboardService.DashboardServiceClient(_channel);
    }

    internal DashboardService.DashboardServiceClient Client { get; }

    internal ResourceNotificationService Notifications => _services.GetRequiredService<ResourceNotificationService>();

    internal ResourceLoggerService Logs => _services.GetRequiredService<ResourceLoggerService>();

    internal static Metadata Authorized => new() { { "x-resource-service-api-key", Key } };

    internal static async Task<ResourceServiceFixture> StartAsync()
    {
        var lifetime = new ApplicationLifetime(NullLogger<ApplicationLifetime>.Instance);
        var configuration = new ConfigurationManager();
        configuration["AppHost:ResourceService:ApiKey"] = Key;
        configuration["AppHost:DashboardApplicationName"] = "Shop.AppHost";
        var services = new ServiceCollection()
            .AddLogging()
            .AddSingleton<IHostApplicationLifetime>(lifetime)
            .AddSingleton<ResourceLoggerService>()
            .AddSingleton<ResourceNotificationService>()
            .BuildServiceProvider();
        var notifications = services.GetRequiredService<ResourceNotificationService>();
        var logs = services.GetRequiredService<ResourceLoggerService>();
        var feed = new ResourceFeed(notifications, TimeProvider.System);
        var host = new ResourceServiceHost(configuration, feed, logs, new ResourceCommandService(notifications, logs, services), lifetime, NullLoggerFactory.Instance);
        return new ResourceServiceFixture(services, lifetime, host, await host.StartAsync(CancellationToken.None));
    }

    internal Task PublishAsync(IResource resource, string id, Func<CustomResourceSnapshot, CustomResourceSnapshot> change) =>
        Notifications.PublishUpdateAsync(resource, id, change);

    public async ValueTask DisposeAsync()
    {
        _lifetime.StopApplication();
        _channel.Dispose();
        await _host.DisposeAsync();
        await _services.DisposeAsync();
    }
}
