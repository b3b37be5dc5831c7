using AspireMesh.Hosting.Kubernetes.Rendering;

namespace AspireMesh.Hosting.Kubernetes.Backends.GatewayApi;

/// <summary>Gateway API alone: the portable core, about half of the policies. mTLS and authorization are the implementing mesh's affair.</summary>
internal sealed class GatewayApiRenderer : IMeshRenderer
{
    private const string ClassName = "{{ .Values.mesh.gateway.className }}";

    public MeshBackend Backend => MeshBackend.GatewayApi;

    public void Render(RenderSession session)
    {
        GatewayRoutes.Render(session, GatewayRouteOptions.Standard);
        GatewayRoutes.RenderGateways(session, ClassName);
        GatewayTls.RenderGateways(session, ClassName);
        foreach (var item in session.Items) Verdict(session, item);
    }

    private static void Verdict(RenderSession session, PolicyItem item)
    {
        if (GatewayRoutes.TryVerdict(session, item, GatewayRouteOptions.Standard)) return;
        switch (item.Kind)
        {
            case PolicyKind.Gateway: GatewayRoutes.GatewayVerdict(session, item); break;
            case PolicyKind.Mtls: session.Missing(item, "Gateway API leaves mTLS between workloads to the mesh that implements it"); break;
            case PolicyKind.AllowList or PolicyKind.AuthorizationRule: session.Missing(item, "authorization by identity (GEP-3779) is not in a released version"); break;
            case PolicyKind.Retry or PolicyKind.RetryBudget: session.Missing(item, "retries (GEP-1731) and budgets (GEP-3388) are only in the experimental channel"); break;
            default: session.Missing(item, $"Gateway API has no {item.Kind}"); break;
        }
    }
}
