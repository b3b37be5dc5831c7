using AspireMesh.Hosting.Kubernetes.Rendering;
using static AspireMesh.Hosting.Kubernetes.Rendering.Tree;

namespace AspireMesh.Hosting.Kubernetes.Backends.GatewayApi;

/// <summary>Gateway API alone: the portable core, about half of the policies. mTLS and authorization are the implementing mesh's affair.</summary>
internal sealed class GatewayApiRenderer : IMeshRenderer
{
    public MeshBackend Backend => MeshBackend.GatewayApi;

    public void Render(RenderSession session)
    {
        GatewayRoutes.Render(session, GatewayRouteOptions.Standard);
        foreach (var gateway in session.Model.Gateways)
        {
            var placement = session.Placement.Workloads[gateway.Workload];
            var tls = gateway.CertificatePem is not null;
            var listener = Map(
                ("name", tls ? "https" : "http"),
                ("port", tls ? 443 : 80),
                ("protocol", tls ? "HTTPS" : "HTTP"),
                ("tls", tls ? Map(("certificateRefs", List(Map(("name", $"{gateway.Name}-tls"))))) : null));
            session.Add(new(GatewayRoutes.Api, "Gateway", gateway.Name, session.Placement.Namespace,
                Map(("spec", Map(("gatewayClassName", "{{ .Values.mesh.gateway.className }}"), ("listeners", List(listener)))))));
            var rule = Map(("backendRefs", List(Map(("name", placement.Service), ("port", placement.Ports[gateway.Endpoint])))));
            session.Add(new(GatewayRoutes.Api, "HTTPRoute", $"{gateway.Name}-gateway", session.Placement.Namespace,
                Map(("spec", Map(("parentRefs", List(Map(("name", gateway.Name)))), ("rules", List(rule)))))));
        }
        foreach (var item in session.Items) Verdict(session, item);
    }

    private static void Verdict(RenderSession session, PolicyItem item)
    {
        if (GatewayRoutes.TryVerdict(session, item, GatewayRouteOptions.Standard)) return;
        switch (item.Kind)
        {
            case PolicyKind.Gateway when item.Gateway!.Jwt is not null || item.Gateway.RateLimits.Length > 0 || item.Gateway.Routes.Length > 0:
                session.Approximated(item, "Gateway and HTTPRoute to the gateway's workload; routes by host, tokens and limits of the gateway are not in Gateway API's standard channel");
                break;
            case PolicyKind.Gateway: session.Rendered(item, "Gateway and HTTPRoute"); break;
            case PolicyKind.Mtls: session.Missing(item, "Gateway API leaves mTLS between workloads to the mesh that implements it"); break;
            case PolicyKind.AllowList or PolicyKind.AuthorizationRule: session.Missing(item, "authorization by identity (GEP-3779) is not in a released version"); break;
            case PolicyKind.Retry or PolicyKind.RetryBudget: session.Missing(item, "retries (GEP-1731) and budgets (GEP-3388) are only in the experimental channel"); break;
            default: session.Missing(item, $"Gateway API has no {item.Kind}"); break;
        }
    }
}
