using System.Net;
using System.Security.Cryptography;
using System.Text;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using AspireMesh.Simulator.Dashboard.Feed;
using AspireMesh.Simulator.Dashboard.Start;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Simulator.Dashboard.Service;

/// <summary>The gRPC server the dashboard reads resources from: cleartext HTTP/2 on loopback, guarded by an API key.</summary>
internal sealed class ResourceServiceHost(
    IConfiguration configuration, ResourceFeed feed, ResourceLoggerService logs, ResourceCommandService commands, IHostApplicationLifetime application, ILoggerFactory loggers)
    : IAsyncDisposable
{
    private const string ApiKeyHeader = "x-resource-service-api-key";
    private WebApplication? _server;
    private CancellationTokenRegistration _stopping;

    /// <summary>Opens the port and starts to follow the resources.</summary>
    /// <returns>The address to give to the dashboard.</returns>
    /// <exception cref="DistributedApplicationException">The configured address is not one of this machine's loopback addresses, or is taken.</exception>
    internal async Task<Uri> StartAsync(CancellationToken cancellationToken)
    {
        var (address, port) = ReadAddress();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Logging.AddProvider(new ForwardingLoggerProvider(loggers));
        // For this provider, which goes before what an AppHost's settings say of categories: that a server of our own started is no news of the application's.
        builder.Logging.AddFilter<ForwardingLoggerProvider>(category: null, LogLevel.Warning);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(address, port, listen => listen.Protocols = HttpProtocols.Http2));
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(feed);
        builder.Services.AddSingleton(logs);
        builder.Services.AddSingleton(commands);
        builder.Services.AddSingleton(configuration);
        var server = builder.Build();
        server.Use(CheckApiKeyAsync);
        server.MapGrpcService<ResourceService>();
        _server = server;
        try
        {
            await server.StartAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (IOException taken)
        {
            throw new DistributedApplicationException(
                $"The dashboard's resource service cannot listen on {address}:{port}: {taken.Message}. Set {DashboardKeys.ResourceServiceUrl} to a free port, or unset it.", taken);
        }

        feed.Start();
        // Streams end when the application begins to stop: the dashboard is ended then, and its broken connections are no news.
        _stopping = application.ApplicationStopping.Register(() => server.Lifetime.StopApplication());
        return new Uri(server.Urls.First());
    }

    public async ValueTask DisposeAsync()
    {
        feed.Stop();
        await _stopping.DisposeAsync().ConfigureAwait(false);
        if (_server is { } server)
        {
            await server.DisposeAsync().ConfigureAwait(false);
        }
    }

    private (IPAddress Address, int Port) ReadAddress()
    {
        if (DashboardKeys.Read(configuration, DashboardKeys.ResourceServiceUrl) is not { } text)
        {
            return (IPAddress.Loopback, 0);
        }

        if (Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.IsLoopback)
        {
            return (IPAddress.TryParse(uri.DnsSafeHost, out var address) ? address : IPAddress.Loopback, uri.Port);
        }

        throw new DistributedApplicationException($"{DashboardKeys.ResourceServiceUrl} is '{text}', which is not an address of this machine's loopback: set it to http://127.0.0.1:0.");
    }

    private Task CheckApiKeyAsync(HttpContext context, RequestDelegate next)
    {
        if (configuration[DashboardKeys.ResourceServiceApiKey] is { Length: > 0 } expected)
        {
            var given = context.Request.Headers[ApiKeyHeader].ToString();
            if (!CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(given), Encoding.UTF8.GetBytes(expected)))
            {
                context.Response.StatusCode = StatusCodes.Status401Unauthorized;
                return Task.CompletedTask;
            }
        }

        return next(context);
    }
}
