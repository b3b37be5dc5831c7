using System.Text.Json.Nodes;
using AspireMesh.Hosting.Kubernetes.Rendering;
using AspireMesh.Protocol.Model;
using static AspireMesh.Hosting.Kubernetes.Rendering.Tree;

namespace AspireMesh.Hosting.Kubernetes.Backends.Istio;

/// <summary>Into and out of the mesh: Gateway, ServiceEntry, Sidecar.</summary>
internal static class IstioEdges
{
    public static void Render(RenderSession session)
    {
        foreach (var gateway in session.Model.Gateways) RenderGateway(session, gateway);
        foreach (var external in session.Model.ExternalServices) RenderExternal(session, external);
        foreach (var workload in session.Model.Workloads) RenderScope(session, workload);
    }

    private static void RenderGateway(RenderSession session, GatewayModel gateway)
    {
        var ns = session.Placement.Namespace;
        var tls = gateway.CertificatePem is not null;
        var server = Map(
            ("port", tls ? Map(("number", 443), ("name", "https"), ("protocol", "HTTPS")) : Map(("number", 80), ("name", "http"), ("protocol", "HTTP"))),
            ("hosts", Texts(["*"])),
            // The key is never in a chart: the cluster's own Secret of this name is meant.
            ("tls", tls ? Map(("mode", "SIMPLE"), ("credentialName", $"{gateway.Name}-tls")) : null));
        session.Add(new(IstioRenderer.Networking, "Gateway", gateway.Name, ns, Map(("spec", Map(("selector", Map(("istio", "ingressgateway"))), ("servers", List(server)))))));

        var http = new JsonArray();
        foreach (var route in gateway.Routes)
        {
            http.Add(Map(("match", List(IstioRoutes.MatchesOf(route.Match))), ("route", List(Map(("destination", IstioRoutes.DestinationOf(session, route.Workload, route.Endpoint, null)))))));
        }
        http.Add(Map(("route", List(Map(("destination", IstioRoutes.DestinationOf(session, gateway.Workload, gateway.Endpoint, null)))))));
        session.Add(new(IstioRenderer.Networking, "VirtualService", $"{gateway.Name}-gateway", ns, Map(("spec", Map(("hosts", Texts(["*"])), ("gateways", Texts([gateway.Name])), ("http", http))))));
    }

    /// <summary>The verdict on a gateway.</summary>
    /// <param name="session">The rendering.</param>
    /// <param name="item">The gateway.</param>
    /// <param name="more">What else somebody has to do; null for nothing.</param>
    public static void GatewayVerdict(RenderSession session, PolicyItem item, string? more = null)
    {
        var gateway = item.Gateway!;
        var lost = gateway.Jwt is not null || gateway.RateLimits.Length > 0;
        var tls = gateway.CertificatePem is not null ? $"; its certificate is the Secret {gateway.Name}-tls beside the ingress gateway" : "";
        var how = $"Gateway and VirtualService{tls}{(lost ? "; tokens and limits of the gateway are not written" : "")}{(more is null ? "" : $"; {more}")}";
        if (lost || more is not null || tls.Length > 0) session.Approximated(item, how);
        else session.Rendered(item, how);
    }

    private static void RenderExternal(RenderSession session, ExternalServiceModel external)
    {
        var protocol = external.Protocol == AppProtocol.Tcp ? "TCP" : external.Tls ? "HTTPS" : "HTTP";
        var port = Map(("number", external.Port), ("name", protocol.ToLowerInvariant()), ("protocol", protocol));
        session.Add(new(IstioRenderer.Networking, "ServiceEntry", external.Name, session.Placement.Namespace,
            Map(("spec", Map(("hosts", Texts([external.Host])), ("location", "MESH_EXTERNAL"), ("resolution", "DNS"), ("ports", List(port)))))));
    }

    // What a workload has no reference to is not in its proxy's configuration at all.
    private static void RenderScope(RenderSession session, WorkloadModel workload)
    {
        var hosts = session.Model.Edges.Where(e => e.From == workload.Name).SelectMany(PolicyItems.Reached)
            .Select(to => session.Placement.Workloads.TryGetValue(to, out var p) ? $"./{p.Service}.{session.Placement.Namespace}.svc.cluster.local" : $"./{session.Model.ExternalServices.First(x => x.Name == to).Host}")
            .Distinct().Order(StringComparer.Ordinal).Append("istio-system/*");
        var spec = Map(
            ("workloadSelector", Map(("labels", Labels(session.Placement.Workloads[workload.Name].PodLabels)))),
            ("egress", List(Map(("hosts", Texts(hosts))))),
            ("outboundTrafficPolicy", session.Model.UndeclaredEgress == EgressMode.Refuse ? Map(("mode", "REGISTRY_ONLY")) : null));
        session.Add(new(IstioRenderer.Networking, "Sidecar", workload.Name, session.Placement.Namespace, Map(("spec", spec))));
    }
}
