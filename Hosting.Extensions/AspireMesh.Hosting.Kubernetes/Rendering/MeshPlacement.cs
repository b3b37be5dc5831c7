using System.Collections.Immutable;

namespace AspireMesh.Hosting.Kubernetes.Rendering;

/// <summary>Where the workloads of a mesh stand in a cluster: what the chart calls their Services, accounts and ports.</summary>
public sealed record MeshPlacement
{
    /// <summary>The namespace everything is in.</summary>
    public string Namespace { get; init; } = "default";

    /// <summary>By workload name.</summary>
    public required ImmutableSortedDictionary<string, WorkloadPlacement> Workloads { get; init; }
}

/// <summary>One workload in the cluster.</summary>
public sealed record WorkloadPlacement
{
    /// <summary>Its Service.</summary>
    public required string Service { get; init; }

    /// <summary>Its ServiceAccount: the identity.</summary>
    public required string ServiceAccount { get; init; }

    /// <summary>The labels that select its pods.</summary>
    public required ImmutableSortedDictionary<string, string> PodLabels { get; init; }

    /// <summary>Service ports by endpoint name.</summary>
    public required ImmutableSortedDictionary<string, int> Ports { get; init; }

    /// <summary>The endpoints whose app takes HTTP/2 without TLS (gRPC): most meshes have to be told, or they speak HTTP/1.1 to it.</summary>
    public ImmutableSortedSet<string> Http2 { get; init; } = [];
}
