using Microsoft.Extensions.Hosting;

namespace AspireMesh.Hosting.Lifecycle;

/// <summary>
/// Ends the mesh when the application has stopped. Aspire's <c>Run()</c> returns without disposing its services (13.5), so waiting for that
/// would leave the run file behind and connections open.
/// </summary>
internal sealed class MeshShutdown(MeshRuntime runtime) : IHostedLifecycleService
{
    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task StoppedAsync(CancellationToken cancellationToken) => await runtime.DisposeAsync();
}
