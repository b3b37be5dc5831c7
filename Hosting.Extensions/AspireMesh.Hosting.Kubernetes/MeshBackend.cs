namespace AspireMesh.Hosting.Kubernetes;

/// <summary>What a mesh can be published as. <see cref="AspireMesh"/> is our own sidecars; the others are other meshes' resources.</summary>
public enum MeshBackend
{
    /// <summary>Our sidecars in the pods and our control plane as a Deployment.</summary>
    AspireMesh,

    /// <summary>Istio with sidecars (networking.istio.io/v1, security.istio.io/v1).</summary>
    Istio,

    /// <summary>Istio ambient: ztunnel, and a waypoint for what needs requests.</summary>
    IstioAmbient,

    /// <summary>Linkerd 2.x (policy.linkerd.io and Gateway API).</summary>
    Linkerd,

    /// <summary>Consul on Kubernetes (consul.hashicorp.com/v1alpha1).</summary>
    Consul,

    /// <summary>Open Service Mesh (SMI). The project was archived in 2023.</summary>
    OpenServiceMesh,

    /// <summary>Kuma 3.0 (kuma.io/v1alpha1).</summary>
    Kuma,

    /// <summary>OpenShift Service Mesh 3: Istio's resources under the Sail operator.</summary>
    OpenShiftServiceMesh,

    /// <summary>AWS App Mesh (appmesh.k8s.aws/v1beta2). Its support ended on 30 September 2026.</summary>
    AppMesh,

    /// <summary>Network Service Mesh (networkservicemesh.io/v1): connectivity at layer 3, with our sidecars above it.</summary>
    NetworkServiceMesh,

    /// <summary>Gateway API alone (GAMMA): the portable core.</summary>
    GatewayApi,
}
