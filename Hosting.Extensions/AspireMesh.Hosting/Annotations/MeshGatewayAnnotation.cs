using AspireMesh.Protocol.Model;

namespace AspireMesh.Hosting.Annotations;

/// <summary>A gateway that the AppHost asks for, on the mesh resource.</summary>
internal sealed record MeshGatewayAnnotation(string? Name, IResource Workload, string? Endpoint, int? Port, bool? Tls, Func<GatewayModel, GatewayModel> Change) : IResourceAnnotation;
