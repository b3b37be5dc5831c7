using AspireMesh.Hosting.Kubernetes.Rendering;

namespace AspireMesh.Hosting.Kubernetes.Backends.Istio;

/// <summary>OpenShift Service Mesh 3: Istio's resources; the pods choose a revision tag, and the cluster's prerequisites are named, not made.</summary>
internal sealed class OpenShiftServiceMeshRenderer : IstioRenderer
{
    public override MeshBackend Backend => MeshBackend.OpenShiftServiceMesh;

    public override void Render(RenderSession session)
    {
        session.Notices.Add("OpenShift Service Mesh 3 needs Istio and IstioCNI (sailoperator.io/v1) and an IstioRevisionTag 'default' in the cluster; they are not the application's and are not in the chart.");
        base.Render(session);
    }

    protected override void Inject(RenderSession session)
    {
        session.MarkAll(MarkPlace.PodLabel, "istio.io/rev", "default");
        Exclude(session);
    }

    protected override void Verdict(RenderSession session, PolicyItem item)
    {
        // OpenShift has no ingress gateway by itself (IOR is gone in 3.x): the Gateway needs a Route in front.
        if (item.Kind == PolicyKind.Gateway) IstioEdges.GatewayVerdict(session, item, "expose the ingress gateway's Service with an OpenShift Route");
        else base.Verdict(session, item);
    }
}
