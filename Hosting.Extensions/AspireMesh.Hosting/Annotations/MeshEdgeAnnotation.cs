using AspireMesh.Protocol.Policies;

namespace AspireMesh.Hosting.Annotations;

/// <summary>A change to the policies of edges, on the mesh resource; applied in the order written. Null parts match any.</summary>
internal sealed record MeshEdgeAnnotation(IResource? From, IResource? To, string? Endpoint, Func<EdgePolicies, EdgePolicies> Change) : IResourceAnnotation;
