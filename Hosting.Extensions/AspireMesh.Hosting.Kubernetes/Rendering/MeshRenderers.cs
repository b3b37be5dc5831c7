using AspireMesh.Hosting.Kubernetes.Backends.AppMesh;
using AspireMesh.Hosting.Kubernetes.Backends.Consul;
using AspireMesh.Hosting.Kubernetes.Backends.GatewayApi;
using AspireMesh.Hosting.Kubernetes.Backends.Istio;
using AspireMesh.Hosting.Kubernetes.Backends.Kuma;
using AspireMesh.Hosting.Kubernetes.Backends.Linkerd;
using AspireMesh.Hosting.Kubernetes.Backends.NetworkServiceMesh;
using AspireMesh.Hosting.Kubernetes.Backends.OpenServiceMesh;
using AspireMesh.Protocol.Model;

namespace AspireMesh.Hosting.Kubernetes.Rendering;

/// <summary>The renderers for other meshes.</summary>
public static class MeshRenderers
{
    private static readonly IMeshRenderer[] All =
    [
        new IstioRenderer(), new IstioAmbientRenderer(), new OpenShiftServiceMeshRenderer(), new LinkerdRenderer(), new ConsulRenderer(),
        new OpenServiceMeshRenderer(), new KumaRenderer(), new AppMeshRenderer(), new NetworkServiceMeshRenderer(), new GatewayApiRenderer(),
    ];

    /// <summary>The back ends that can be rendered.</summary>
    public static IEnumerable<MeshBackend> Backends => All.Select(r => r.Backend);

    /// <summary>Renders a mesh.</summary>
    /// <param name="backend">As which mesh's resources.</param>
    /// <param name="model">The mesh.</param>
    /// <param name="placement">Where it stands in the cluster.</param>
    /// <param name="keepSidecars">Whether our sidecars stay for what the other mesh lacks.</param>
    /// <exception cref="ArgumentOutOfRangeException">The back end is our own sidecars, which are not rendered but injected.</exception>
    public static MeshRendering Render(MeshBackend backend, MeshModel model, MeshPlacement placement, bool keepSidecars = false)
    {
        var renderer = All.FirstOrDefault(r => r.Backend == backend) ?? throw new ArgumentOutOfRangeException(nameof(backend), backend, "our own sidecars are injected, not rendered");
        var session = new RenderSession(model, placement, keepSidecars);
        renderer.Render(session);
        return session.Finish(backend);
    }
}
