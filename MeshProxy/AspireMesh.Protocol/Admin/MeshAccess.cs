namespace AspireMesh.Protocol.Admin;

/// <summary>
/// The way to a running mesh's admin API from inside its AppHost's process: registered as a service by <c>AddServiceMesh</c>, filled when the control plane
/// listens. Tests get it from the application's services, so two meshes in one process never mix.
/// </summary>
public sealed class MeshAccess
{
    private readonly TaskCompletionSource<RunFile> _run = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when the control plane listens.</summary>
    public Task<RunFile> Run => _run.Task;

    /// <summary>Says where the control plane listens. The first call counts.</summary>
    public void Set(RunFile run) => _run.TrySetResult(run);
}
