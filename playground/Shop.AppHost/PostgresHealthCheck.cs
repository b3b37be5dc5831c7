using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Shop.AppHost;

/// <summary>Asks whether TLS is spoken: a PostgreSQL server answers that with one letter before any login.</summary>
internal sealed class PostgresHealthCheck(EndpointReference endpoint) : IHealthCheck
{
    private static readonly byte[] SslRequest = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(endpoint.Host, endpoint.Port, cancellationToken);
            await socket.SendAsync(SslRequest, cancellationToken);
            var answer = new byte[1];
            var read = await socket.ReceiveAsync(answer, cancellationToken);
            return read == 1 && answer[0] is (byte)'N' or (byte)'S' ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy("The port is open, but what answers is no PostgreSQL.");
        }
        catch (Exception error) when (error is SocketException or InvalidOperationException)
        {
            return HealthCheckResult.Unhealthy($"PostgreSQL does not answer yet: {error.Message}");
        }
    }
}

internal static class PostgresHealthCheckExtensions
{
    /// <summary>Healthy once the endpoint <c>tcp</c> speaks PostgreSQL.</summary>
    public static IResourceBuilder<T> WithPostgresHealthCheck<T>(this IResourceBuilder<T> builder) where T : IResourceWithEndpoints
    {
        var key = $"{builder.Resource.Name}_answers";
        // A reference made too early remembers that nothing was allocated, so each check makes its own.
        builder.ApplicationBuilder.Services.AddHealthChecks().Add(new HealthCheckRegistration(
            key, _ => new PostgresHealthCheck(new EndpointReference(builder.Resource, "tcp")), failureStatus: null, tags: null));
        return builder.WithHealthCheck(key);
    }
}
