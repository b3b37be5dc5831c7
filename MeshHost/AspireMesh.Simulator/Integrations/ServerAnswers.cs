using System.Net.Sockets;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace AspireMesh.Simulator.Integrations;

/// <summary>Healthy when a server answers a first message as its protocol says. A mere connect proves nothing: in front of a container something always listens.</summary>
internal sealed class ServerAnswers(EndpointReference endpoint, byte[] question, Func<byte, bool> isAnswer) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var host = await endpoint.Property(EndpointProperty.IPV4Host).GetValueAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(host!, endpoint.Port, cancellationToken).ConfigureAwait(false);
            var stream = client.GetStream();
            await stream.WriteAsync(question, cancellationToken).ConfigureAwait(false);
            var answer = new byte[1];
            return await stream.ReadAsync(answer, cancellationToken).ConfigureAwait(false) == 1 && isAnswer(answer[0])
                ? HealthCheckResult.Healthy()
                : HealthCheckResult.Unhealthy($"{host}:{endpoint.Port} does not answer yet.");
        }
        catch (Exception exception) when (exception is SocketException or IOException)
        {
            return HealthCheckResult.Unhealthy($"{host}:{endpoint.Port} does not answer: {exception.Message}", exception);
        }
    }
}
