using System.Collections.Immutable;

namespace AspireMesh.Hosting.Planning;

/// <summary>What the planner works from, besides the resources.</summary>
internal sealed record PlanRequest
{
    /// <summary>The mesh resource: options and what the AppHost says about edges and gateways.</summary>
    public required MeshResource Mesh { get; init; }

    /// <summary>The AppHost's name.</summary>
    public required string AppHost { get; init; }

    /// <summary>The trust domain where none is set.</summary>
    public required string DefaultTrustDomain { get; init; }

    /// <summary>All resources, in order.</summary>
    public required ImmutableArray<IResource> Resources { get; init; }

    /// <summary>Run or publish.</summary>
    public required DistributedApplicationExecutionContext Context { get; init; }

    /// <summary>Whether it is for a cluster: fixed ports, pods in place of processes.</summary>
    public bool ForCluster => Context.IsPublishMode;

    /// <summary>The resource as it is in the model: one that was replaced (a program published as a container) goes by its name.</summary>
    public IResource InModel(IResource resource) => ForCluster ? Resources.FirstOrDefault(r => r.Name == resource.Name) ?? resource : resource;

    /// <summary>How many sidecars a resource has: its replicas, where the host tells them apart.</summary>
    public required Func<IResource, int> SidecarsOf { get; init; }

    /// <summary>A free port of this machine, never the same twice; null in publish mode, where ports are the cluster's business.</summary>
    public required Func<int>? NextPort { get; init; }

    /// <summary>Whether nobody listens on a port yet.</summary>
    public Func<int, bool> IsPortFree { get; init; } = _ => true;

    /// <summary>PEM of certificate and key for gateways that take TLS, and whether it is the developer certificate; null in publish mode, where the cluster's gateway has its own.</summary>
    public Func<(string Pem, bool Developer)>? GatewayCertificate { get; init; }

    /// <summary>Where containers reach this machine; asked only where one of them makes a call. Null in publish mode, where a pod has a loopback of its own.</summary>
    public Func<CancellationToken, Task<BridgeGateway>>? BridgeGateway { get; init; }

    /// <summary>Whether fixed public ports are ignored (several AppHosts in one test run).</summary>
    public bool RandomizePorts { get; init; }

    /// <summary>The variable of this process that names a forward proxy already, which every app inherits; null for none.</summary>
    public string? InheritedProxy { get; init; }

    /// <summary>The clock.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;
}

/// <summary>The address of this machine on the container engine's bridge.</summary>
/// <param name="Address">The address; null where there is none.</param>
/// <param name="Problem">Why there is none.</param>
internal sealed record BridgeGateway(string? Address, string? Problem);
