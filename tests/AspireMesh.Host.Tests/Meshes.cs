using System.Collections.Immutable;
using AspireMesh.Protocol.Model;

namespace AspireMesh.Host.Tests;

/// <summary>Small models to start from.</summary>
internal static class Meshes
{
    public const string TrustDomain = "shop.mesh";

    /// <summary>web → api (http), api → cache (tcp); one sidecar each.</summary>
    public static MeshModel Shop { get; } = new()
    {
        Name = "shop",
        TrustDomain = TrustDomain,
        Workloads =
        [
            Workload("web", 1000, new EndpointModel { Name = "http" }),
            Workload("api", 1100, new EndpointModel { Name = "http" }),
            Workload("cache", 1200, new EndpointModel { Name = "tcp", Protocol = AppProtocol.Tcp }),
        ],
        Edges = [Edge("web", "api", "http", 1010), Edge("api", "cache", "tcp", 1110)],
    };

    public static WorkloadModel Workload(string name, int port, params EndpointModel[] endpoints) => new()
    {
        Name = name,
        Endpoints = [.. endpoints],
        Sidecars = [new SidecarModel { Instance = name, Inbound = $"127.0.0.1:{port}", Admin = $"127.0.0.1:{port + 1}" }],
    };

    public static EdgeModel Edge(string from, string to, string endpoint, int port) => new()
    {
        From = from,
        To = to,
        Endpoint = endpoint,
        Listen = ImmutableDictionary<string, string>.Empty.Add(from, $"127.0.0.1:{port}"),
    };

    public static MeshModel WithEdge(this MeshModel model, string from, string to, Func<EdgeModel, EdgeModel> change) =>
        model with { Edges = [.. model.Edges.Select(e => e.From == from && e.To == to ? change(e) : e)] };

    public static MeshModel WithWorkload(this MeshModel model, string name, Func<WorkloadModel, WorkloadModel> change) =>
        model with { Workloads = [.. model.Workloads.Select(w => w.Name == name ? change(w) : w)] };
}
