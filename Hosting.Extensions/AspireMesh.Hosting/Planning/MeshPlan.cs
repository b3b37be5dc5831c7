using System.Collections.Immutable;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Model;

namespace AspireMesh.Hosting.Planning;

/// <summary>What the mesh does to an AppHost, worked out before anything is touched. The applier only carries it out.</summary>
internal sealed record MeshPlan
{
    /// <summary>What the control plane is told.</summary>
    public required MeshModel Model { get; init; }

    /// <summary>The resources that take part.</summary>
    public ImmutableArray<WorkloadPlan> Workloads { get; init; } = [];

    /// <summary>References that lead through the mesh, with what replaces them.</summary>
    public ImmutableArray<EdgePlan> Edges { get; init; } = [];

    /// <summary>Listeners for traffic from outside.</summary>
    public ImmutableArray<GatewayPlan> Gateways { get; init; } = [];

    /// <summary>What a user should know but what stops nothing.</summary>
    public ImmutableArray<MeshProblem> Warnings { get; init; } = [];

    /// <summary>What stops the start.</summary>
    public ImmutableArray<MeshProblem> Errors { get; init; } = [];
}

/// <summary>A resource in the mesh.</summary>
/// <param name="Resource">The resource.</param>
/// <param name="Sidecars">Its sidecars.</param>
/// <param name="Endpoints">What others can reach.</param>
/// <param name="Egress">The forward proxy that its app is told of; null for none.</param>
internal sealed record WorkloadPlan(IResource Resource, ImmutableArray<SidecarPlan> Sidecars, ImmutableArray<AppEndpointPlan> Endpoints, MeshListener? Egress = null);

/// <summary>One sidecar.</summary>
/// <param name="Resource">The resource it stands beside.</param>
/// <param name="Name">The sidecar's own name as a resource.</param>
/// <param name="Instance">Its name in the mesh.</param>
/// <param name="Ordinal">The replica it belongs to; 0 where there is one sidecar.</param>
internal sealed record SidecarPlan(IResource Resource, string Name, string Instance, int Ordinal);

/// <summary>An endpoint that others can reach, and the endpoint of the app that its traffic is given to.</summary>
/// <param name="Name">The endpoint as callers know it.</param>
/// <param name="App">Where the app takes it: another one where the app redirects http to https.</param>
internal sealed record AppEndpointPlan(string Name, EndpointAnnotation App);

/// <summary>One reference.</summary>
/// <param name="From">The caller.</param>
/// <param name="To">The callee, or an external service.</param>
/// <param name="Endpoint">The callee's endpoint; null for an external service.</param>
/// <param name="Listener">What stands in the caller's values in its place.</param>
/// <param name="Outside">Where the external service is; null for a callee in the mesh.</param>
internal sealed record EdgePlan(IResource From, IResource To, EndpointAnnotation? Endpoint, MeshListener Listener, Uri? Outside = null);

/// <summary>One gateway.</summary>
/// <param name="Resource">The workload it leads to.</param>
/// <param name="Endpoint">The endpoint it leads to.</param>
/// <param name="Url">Its URL.</param>
/// <param name="TakesPort">Whether it takes over the endpoint's public port.</param>
/// <param name="Name">Its name in the mesh.</param>
/// <param name="EndsTls">Whether it is wanted to end TLS, also where there is no certificate for that.</param>
internal sealed record GatewayPlan(IResource Resource, EndpointAnnotation Endpoint, string Url, bool TakesPort, string Name, bool EndsTls);
