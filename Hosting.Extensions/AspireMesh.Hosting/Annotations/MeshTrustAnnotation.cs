namespace AspireMesh.Hosting.Annotations;

/// <summary>Roots that an external service's certificate has to chain to, PEM.</summary>
internal sealed record MeshTrustAnnotation(string Roots) : IResourceAnnotation;
