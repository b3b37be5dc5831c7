using System.Text.Json.Nodes;
using AspireMesh.Hosting.Kubernetes.Rendering;
using AspireMesh.Protocol.Policies;
using static AspireMesh.Hosting.Kubernetes.Rendering.Tree;

namespace AspireMesh.Hosting.Kubernetes.Backends.GatewayApi;

/// <summary>TLSRoutes (v1, standard channel since 1.5): under a Service for an edge, under a Gateway with a listener that passes TLS through for a gateway.</summary>
internal static class GatewayTls
{
    public static void Render(RenderSession session)
    {
        // As with HTTPRoutes, a Service's routes hold for all its callers: those of the first caller stand.
        foreach (var edge in session.Model.Edges.Where(e => e.Policies.TlsRoutes.Length > 0 && session.Placement.Workloads.ContainsKey(e.To)).DistinctBy(e => (e.To, e.Endpoint)))
        {
            var placement = session.Placement.Workloads[edge.To];
            var parent = Map(("group", ""), ("kind", "Service"), ("name", placement.Service), ("port", placement.Ports[edge.Endpoint]));
            foreach (var route in edge.Policies.TlsRoutes.Where(IsSayable)) Add(session, $"{edge.To}-{edge.Endpoint}-{route.Name}", parent, route, edge.To, edge.Endpoint);
        }
    }

    /// <summary>The gateways that pass TLS through.</summary>
    public static void RenderGateways(RenderSession session, string className)
    {
        foreach (var gateway in session.TlsGateways)
        {
            var listener = Map(("name", "tls"), ("port", 443), ("protocol", "TLS"), ("tls", Map(("mode", "Passthrough"))));
            session.Add(new(GatewayRoutes.Api, "Gateway", gateway.Name, session.Placement.Namespace, Map(("spec", Map(("gatewayClassName", className), ("listeners", List(listener)))))));
            foreach (var route in gateway.TlsRoutes.Where(IsSayable)) Add(session, $"{gateway.Name}-gateway-{route.Name}", Map(("name", gateway.Name)), route, gateway.Workload, gateway.Endpoint);
        }
    }

    public static void Verdict(RenderSession session, PolicyItem item)
    {
        var routes = item.Gateway?.TlsRoutes ?? item.Edge!.Policies.TlsRoutes;
        var route = routes.First(r => item.Detail == (item.Gateway is { } g ? $"{g.Name}, {r.Name}" : r.Name));
        var first = item.Edge is null ? null : session.Model.Edges.First(e => e.To == item.Edge.To && e.Endpoint == item.Edge.Endpoint && e.Policies.TlsRoutes.Length > 0);
        if (!IsSayable(route)) session.Missing(item, "a TLSRoute has names, and none for every hello");
        else if (first is not null && first != item.Edge) session.Missing(item, $"a TLSRoute under a Service holds for all its callers, and those of {first.From} stand");
        else session.Rendered(item, "TLSRoute (v1, standard since Gateway API 1.5)");
    }

    private static bool IsSayable(TlsRoute route) => !route.ServerNames.Contains("*");

    private static void Add(RenderSession session, string name, JsonObject parent, TlsRoute route, string workload, string endpoint)
    {
        var backends = route.Split.Length == 0
            ? List(GatewayRoutes.Backend(session, workload, endpoint, null))
            : List(route.Split.Select(l => GatewayRoutes.Backend(session, l.Workload ?? workload, l.Endpoint ?? endpoint, l.Weight)));
        session.Add(new(GatewayRoutes.Api, "TLSRoute", name, session.Placement.Namespace,
            Map(("spec", Map(("parentRefs", List(parent.DeepClone())), ("hostnames", Texts(route.ServerNames)), ("rules", List(Map(("backendRefs", backends)))))))));
    }
}
