using Aspire.Hosting.ApplicationModel;
using AspireMesh.Simulator.Processes;

namespace AspireMesh.Simulator.Orchestration;

/// <summary>One process of a resource, over its restarts.</summary>
internal sealed class InstanceRun(ReplicaInstance instance)
{
    public ReplicaInstance Instance { get; } = instance;

    /// <summary>Held by whoever starts or stops the process.</summary>
    public SemaphoreSlim Gate { get; } = new(1, 1);

    /// <summary>The running process; null where none runs.</summary>
    public ChildProcess? Process { get; set; }

    /// <summary>Whether the end of the process was asked for.</summary>
    public bool IsStopping { get; set; }

    /// <summary>Gives a start that still waits a way to end.</summary>
    public CancellationTokenSource? Starting { get; set; }

    /// <summary>Completes when the end of the process was published.</summary>
    public Task Ended { get; set; } = Task.CompletedTask;

    /// <summary>The last line of standard error.</summary>
    public string? LastError { get; set; }

    public bool IsRunning => Process is { Exited.IsCompleted: false };
}

/// <summary>The processes of a resource.</summary>
internal sealed class ResourceRun(IResource resource)
{
    public IResource Resource { get; } = resource;

    public IReadOnlyList<InstanceRun> Instances { get; } =
        [.. resource.Annotations.OfType<ReplicaInstancesAnnotation>().Last().Instances.Select(i => new InstanceRun(i))];

    /// <summary>What prevents a start: ports that could not be opened.</summary>
    public IReadOnlyList<string> Problems { get; set; } = [];

    /// <summary>The ports of the running processes that serve an endpoint.</summary>
    public IReadOnlyList<int> RunningPorts(string endpointName) =>
        [.. Instances.Where(i => i.IsRunning).Select(i => i.Instance.TargetPorts[endpointName])];
}
