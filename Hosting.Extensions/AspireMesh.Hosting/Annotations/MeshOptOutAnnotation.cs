namespace AspireMesh.Hosting.Annotations;

/// <summary>The resource stays outside the mesh.</summary>
internal sealed record MeshOptOutAnnotation(string Reason) : IResourceAnnotation;

/// <summary>The resource takes part even where the planner would leave it out.</summary>
internal sealed record MeshOptInAnnotation : IResourceAnnotation;
