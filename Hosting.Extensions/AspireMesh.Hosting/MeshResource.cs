namespace AspireMesh.Hosting;

/// <summary>The mesh as a resource: carries what the AppHost says about it as annotations. One per AppHost.</summary>
/// <param name="name">Its name.</param>
public sealed class MeshResource(string name) : Resource(name), IResourceWithoutLifetime
{
    /// <summary>How the mesh runs.</summary>
    public MeshOptions Options { get; } = new();
}
