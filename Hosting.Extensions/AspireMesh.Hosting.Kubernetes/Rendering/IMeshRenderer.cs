namespace AspireMesh.Hosting.Kubernetes.Rendering;

/// <summary>Renders a mesh as another mesh's resources. One small class per mesh, all of the same shape.</summary>
public interface IMeshRenderer
{
    /// <summary>Which mesh.</summary>
    MeshBackend Backend { get; }

    /// <summary>Adds objects and gives each of <see cref="RenderSession.Items"/> its verdict.</summary>
    void Render(RenderSession session);
}
