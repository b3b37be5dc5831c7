using AspireMesh.Host;

namespace AspireMesh.Hosting.Lifecycle;

/// <summary>The sidecars that live in this process; follows with the proxy's own entry point.</summary>
internal sealed class SharedSidecars(IServiceProvider services, MeshControlPlane control, TimeProvider time, CancellationToken stopping)
{
    /// <summary>Starts one.</summary>
    public void Start(MeshSidecarResource resource) { _ = (services, control, time, resource, stopping); }

    /// <summary>Stops all.</summary>
    public Task StopAsync() => Task.CompletedTask;
}
