using Microsoft.Extensions.Hosting;

namespace AspireMesh.Host.Running;

/// <summary>Leaves signals to whoever owns the process: the usual lifetime would stop this server at Ctrl+C, before the sidecars have drained.</summary>
internal sealed class EmbeddedLifetime : IHostLifetime
{
    public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
