namespace AspireMesh.Hosting;

/// <summary>A sidecar as a row of the dashboard. Never declared by hand: the mesh adds one per workload, or per replica where the host tells replicas apart.</summary>
public interface IMeshSidecarResource : IResourceWithWaitSupport
{
    /// <summary>The resource it stands beside.</summary>
    IResource Workload { get; }

    /// <summary>Its name in the mesh: the workload's, with <c>-0</c>, <c>-1</c>, … where there are replicas.</summary>
    string Instance { get; }
}

/// <summary>A sidecar in a process of its own.</summary>
public sealed class MeshSidecarProcessResource : ExecutableResource, IMeshSidecarResource
{
    internal MeshSidecarProcessResource(string name, string command, string workingDirectory, IResource workload, string instance) : base(name, command, workingDirectory)
    {
        Workload = workload;
        Instance = instance;
    }

    /// <inheritdoc/>
    public IResource Workload { get; }

    /// <inheritdoc/>
    public string Instance { get; }
}

/// <summary>A sidecar inside the AppHost's process.</summary>
public sealed class MeshSidecarResource : Resource, IMeshSidecarResource, IResourceWithEnvironment
{
    internal MeshSidecarResource(string name, IResource workload, string instance) : base(name)
    {
        Workload = workload;
        Instance = instance;
    }

    /// <inheritdoc/>
    public IResource Workload { get; }

    /// <inheritdoc/>
    public string Instance { get; }
}

/// <summary>The control plane in a process of its own.</summary>
public sealed class MeshControlResource : ExecutableResource
{
    internal MeshControlResource(string name, string command, string workingDirectory) : base(name, command, workingDirectory)
    {
    }
}
