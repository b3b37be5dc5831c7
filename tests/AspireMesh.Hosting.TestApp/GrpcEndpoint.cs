using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Diagnostics.HealthChecks;

/// <summary>An endpoint as gRPC services have it: HTTP/2 without TLS, and <c>grpc.health.v1.Health</c>. Kestrel speaks one version on such a port, so it is a server of its own.</summary>
internal static class GrpcEndpoint
{
    /// <summary>The mark of a process that says NOT_SERVING.</summary>
    private const string NotServing = "not-serving";

    public static async Task<WebApplication> StartAsync(int port, string name)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        // The other server's addresses.
        builder.WebHost.UseSetting(WebHostDefaults.ServerUrlsKey, "");
        builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, port, l => l.Protocols = HttpProtocols.Http2));
        builder.Services.AddGrpc();
        builder.Services.AddGrpcHealthChecks().AddCheck("marked", static () => FaultyPaths.IsMarked(NotServing) ? HealthCheckResult.Unhealthy() : HealthCheckResult.Healthy());
        var app = builder.Build();
        app.MapGrpcHealthChecksService();
        FaultyPaths.Map(app, name);
        await app.StartAsync();
        return app;
    }
}
