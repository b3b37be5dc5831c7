using System.Text.Json.Nodes;
using AspireMesh.Hosting.Kubernetes.Backends.GatewayApi;
using AspireMesh.Hosting.Kubernetes.Rendering;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;
using static AspireMesh.Hosting.Kubernetes.Rendering.Tree;

namespace AspireMesh.Hosting.Kubernetes.Backends.Istio;

/// <summary>
/// Istio ambient: ztunnel does mTLS and layer-4 authorization; one waypoint does what needs requests. Routes are Gateway API's, since
/// VirtualService is alpha there. A layer-7 rule is attached to the waypoint (<c>targetRefs</c>): on a ztunnel workload it would refuse everything.
/// </summary>
internal sealed class IstioAmbientRenderer : IMeshRenderer
{
    private const string Waypoint = "waypoint";

    public MeshBackend Backend => MeshBackend.IstioAmbient;

    public void Render(RenderSession session)
    {
        var ns = session.Placement.Namespace;
        session.MarkAll(MarkPlace.PodLabel, "istio.io/dataplane-mode", session.KeepSidecars ? "none" : "ambient");
        session.MarkAll(MarkPlace.ServiceLabel, "istio.io/use-waypoint", Waypoint);
        if (session.KeepSidecars) session.Notices.Add("ztunnel cannot leave single ports alone, so pods with our sidecars stay out of ambient (istio.io/dataplane-mode: none).");
        var listener = Map(("name", "mesh"), ("port", 15008), ("protocol", "HBONE"));
        session.Add(new(GatewayRoutes.Api, "Gateway", Waypoint, ns, Map(("spec", Map(("gatewayClassName", "istio-waypoint"), ("listeners", List(listener))))), Map(("istio.io/waypoint-for", "service"))));
        session.Add(new(IstioRenderer.Security, "PeerAuthentication", "default", ns, Map(("spec", Map(("mtls", Map(("mode", session.Model.Mtls == MtlsMode.Strict ? "STRICT" : "PERMISSIVE"))))))));
        session.Add(new(IstioRenderer.Security, "AuthorizationPolicy", "allow-nothing", ns, Map(("spec", new JsonObject()))));
        foreach (var workload in session.Model.Workloads.Where(w => w.Endpoints.Length > 0)) RenderWorkload(session, workload);
        GatewayRoutes.Render(session, GatewayRouteOptions.Waypoint);
        IstioDestinations.Render(session, atWaypoint: true);
        GatewayRoutes.RenderGateways(session, "istio");
        GatewayTls.RenderGateways(session, "istio");
        foreach (var external in session.Model.ExternalServices) RenderExternal(session, external);
        foreach (var item in session.Items) Verdict(session, item);
    }

    private static void RenderWorkload(RenderSession session, WorkloadModel workload)
    {
        var ns = session.Placement.Namespace;
        var callers = Texts(PolicyItems.Callers(session.Model, workload.Name).Select(c => IstioSecurity.Principal(session, c)));
        // Traffic arrives from the waypoint once there is one, so ztunnel lets the waypoint in and the waypoint decides about callers.
        var waypoint = $"{IstioSecurity.OwnTrustDomain}/ns/{ns}/sa/{Waypoint}";
        var fromWaypoint = List(Map(("from", List(Map(("source", Map(("principals", Texts([waypoint])))))))));
        // An ingress gateway goes past the waypoint; Istio runs it under an account of the gateway's and the class's name.
        foreach (var gateway in session.Model.Gateways.Where(g => g.Workload == workload.Name || g.Routes.Any(r => r.Workload == workload.Name)).Concat(session.TlsGateways.Where(g => IstioTls.LeadsTo(g, workload.Name))))
        {
            fromWaypoint.Add(Map(("from", List(Map(("source", Map(("principals", Texts([$"{IstioSecurity.OwnTrustDomain}/ns/{ns}/sa/{gateway.Name}-istio"])))))))));
        }
        if (IstioSecurity.TakesUnknown(session, workload)) fromWaypoint.Add(IstioSecurity.WithoutIdentity());
        session.Add(new(IstioRenderer.Security, "AuthorizationPolicy", $"{workload.Name}-waypoint", ns, Map(("spec", Map(("selector", IstioSecurity.Selector(session, workload.Name)), ("action", "ALLOW"), ("rules", fromWaypoint))))));
        var target = List(Map(("kind", "Service"), ("group", ""), ("name", session.Placement.Workloads[workload.Name].Service)));
        var rules = callers.Count == 0 ? new JsonArray() : List(Map(("from", List(Map(("source", Map(("principals", callers))))))));
        session.Add(new(IstioRenderer.Security, "AuthorizationPolicy", $"{workload.Name}-references", ns, Map(("spec", Map(("targetRefs", target), ("action", "ALLOW"), ("rules", rules))))));
        if (workload.Inbound.Jwt is not { } jwt) return;
        var rule = Map(("issuer", jwt.Issuer), ("audiences", Texts(jwt.Audiences).OrNull()), ("jwksUri", jwt.JwksUri), ("jwks", jwt.Jwks), ("forwardOriginalToken", true));
        session.Add(new(IstioRenderer.Security, "RequestAuthentication", workload.Name, ns, Map(("spec", Map(("targetRefs", target.DeepClone()), ("jwtRules", List(rule)))))));
        if (!jwt.Required) return;
        var noToken = List(Map(("from", List(Map(("source", Map(("notRequestPrincipals", Texts(["*"])))))))));
        session.Add(new(IstioRenderer.Security, "AuthorizationPolicy", $"{workload.Name}-token-required", ns, Map(("spec", Map(("targetRefs", target.DeepClone()), ("action", "DENY"), ("rules", noToken))))));
    }

    private static void RenderExternal(RenderSession session, ExternalServiceModel external)
    {
        var protocol = external.Protocol == AppProtocol.Tcp ? "TCP" : external.Tls ? "HTTPS" : "HTTP";
        var spec = Map(("hosts", Texts([external.Host])), ("location", "MESH_EXTERNAL"), ("resolution", "DNS"), ("ports", List(Map(("number", external.Port), ("name", protocol.ToLowerInvariant()), ("protocol", protocol)))));
        session.Add(new(IstioRenderer.Networking, "ServiceEntry", external.Name, session.Placement.Namespace, Map(("spec", spec))));
    }

    private static void Verdict(RenderSession session, PolicyItem item)
    {
        if (GatewayRoutes.TryVerdict(session, item, GatewayRouteOptions.Waypoint)) return;
        switch (item.Kind)
        {
            case PolicyKind.Mtls when session.Model.Mtls == MtlsMode.Disabled: session.Approximated(item, "PERMISSIVE: ztunnel always sends HBONE to a workload that is in the mesh"); break;
            case PolicyKind.Mtls: session.Rendered(item, "PeerAuthentication, carried by ztunnel (HBONE)"); break;
            case PolicyKind.AllowList when item.Workload!.Endpoints.Length > 1: session.Approximated(item, "AuthorizationPolicy on the waypoint by principal, for all of the workload's endpoints; on the workload only the waypoint may enter"); break;
            case PolicyKind.AllowList: session.Rendered(item, "AuthorizationPolicy on the waypoint by principal; on the workload only the waypoint may enter"); break;
            case PolicyKind.Gateway: GatewayRoutes.GatewayVerdict(session, item); break;
            case PolicyKind.AuthorizationRule when item.Rule!.Action == AuthorizationAction.Allow && item.Rule.Requests.Length == 0 && item.Rule.Claims.Length == 0: session.Missing(item, "a rule beside the allow-list is not written for the waypoint yet; use the sidecar rendering"); break;
            case PolicyKind.AuthorizationRule: session.Missing(item, "layer-7 rules are written for the sidecar rendering only"); break;
            case PolicyKind.AuditOnly: session.Missing(item, "dry-run is not taken by ztunnel"); break;
            case PolicyKind.Jwt: session.Rendered(item, "RequestAuthentication on the waypoint"); break;
            case PolicyKind.LoadBalancing or PolicyKind.OutlierDetection or PolicyKind.Limits or PolicyKind.IdleTimeout or PolicyKind.CircuitBreaker or PolicyKind.RetryBudget:
                session.Approximated(item, "DestinationRule, alpha in ambient: the waypoint applies it for all callers");
                break;
            case PolicyKind.ExternalService: session.Rendered(item, "ServiceEntry"); break;
            case PolicyKind.EgressControl: session.Missing(item, "ztunnel has no REGISTRY_ONLY"); break;
            case PolicyKind.TlsRoute when item.Gateway is not null: GatewayTls.Verdict(session, item); break;
            case PolicyKind.TlsRoute: session.Missing(item, "a waypoint ends HBONE and reads no server name (TLSRoute under a Service is for sidecars)"); break;
            case PolicyKind.Fault: session.Missing(item, "faults need VirtualService, which is alpha in ambient"); break;
            default: session.Missing(item, $"ambient has no {item.Kind}"); break;
        }
    }
}
