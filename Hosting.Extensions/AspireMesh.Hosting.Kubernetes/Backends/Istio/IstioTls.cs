using System.Text.Json.Nodes;
using AspireMesh.Hosting.Kubernetes.Rendering;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;
using static AspireMesh.Hosting.Kubernetes.Rendering.Tree;

namespace AspireMesh.Hosting.Kubernetes.Backends.Istio;

/// <summary>
/// Routes by the server name of a TLS hello, of edges and of gateways that pass TLS through. A VirtualService takes only names that it also has as hosts, and inside the
/// mesh no bare <c>*</c>.
/// </summary>
internal static class IstioTls
{
    /// <summary>The routes to a workload, and the names that its VirtualService has to have as hosts.</summary>
    public static (JsonArray Routes, string[] Names) RoutesTo(RenderSession session, string callee)
    {
        var edges = session.Model.Edges.Where(e => e.To == callee).SelectMany(e => e.Policies.TlsRoutes.Where(IsSayable).Select(r => (Edge: e, Route: r))).ToArray();
        var routes = edges.Select(x => RouteOf(session, x.Route, x.Edge.To, x.Edge.Endpoint, Map(
            ("port", session.Placement.Workloads[x.Edge.To].Ports[x.Edge.Endpoint]),
            ("sniHosts", Texts(x.Route.ServerNames)),
            ("sourceLabels", Labels(session.Placement.Workloads[x.Edge.From].PodLabels)))));
        return (List(routes), [.. edges.SelectMany(x => x.Route.ServerNames).Distinct()]);
    }

    /// <summary>The gateways that pass TLS through.</summary>
    public static void RenderGateways(RenderSession session)
    {
        var ns = session.Placement.Namespace;
        foreach (var gateway in session.TlsGateways)
        {
            var names = gateway.TlsRoutes.SelectMany(r => r.ServerNames).Distinct().ToArray();
            var server = Map(("port", Map(("number", 443), ("name", "tls"), ("protocol", "TLS"))), ("hosts", Texts(names)), ("tls", Map(("mode", "PASSTHROUGH"))));
            session.Add(new(IstioRenderer.Networking, "Gateway", gateway.Name, ns, Map(("spec", Map(("selector", Map(("istio", "ingressgateway"))), ("servers", List(server)))))));
            var routes = gateway.TlsRoutes.Select(r => RouteOf(session, r, gateway.Workload, gateway.Endpoint, Map(("port", 443), ("sniHosts", Texts(r.ServerNames)))));
            session.Add(new(IstioRenderer.Networking, "VirtualService", $"{gateway.Name}-gateway", ns, Map(("spec", Map(("hosts", Texts(names)), ("gateways", Texts([gateway.Name])), ("tls", List(routes)))))));
        }
    }

    public static void Verdict(RenderSession session, PolicyItem item)
    {
        if (item.Gateway is not null) session.Rendered(item, "Gateway with tls.mode PASSTHROUGH and VirtualService tls[].match.sniHosts");
        else if (IsSayable(item.Edge!.Policies.TlsRoutes.First(r => r.Name == item.Detail))) session.Rendered(item, "VirtualService tls[].match.sniHosts; the Service's port says appProtocol tls");
        else session.Missing(item, "a VirtualService inside the mesh has no match for every server name");
    }

    /// <summary>Whether a gateway that passes TLS through leads to a workload.</summary>
    public static bool LeadsTo(GatewayModel gateway, string workload) =>
        gateway.TlsRoutes.Any(r => r.Split.Select(l => l.Workload ?? gateway.Workload).DefaultIfEmpty(gateway.Workload).Contains(workload));

    private static bool IsSayable(TlsRoute route) => !route.ServerNames.Contains("*");

    private static JsonObject RouteOf(RenderSession session, TlsRoute route, string workload, string endpoint, JsonObject match)
    {
        var targets = route.Split.Length == 0
            ? List(Map(("destination", IstioRoutes.DestinationOf(session, workload, endpoint, null))))
            : List(route.Split.Select(l => Map(("destination", IstioRoutes.DestinationOf(session, l.Workload ?? workload, l.Endpoint ?? endpoint, IstioDestinations.SubsetName(l))), ("weight", l.Weight))));
        return Map(("match", List(match)), ("route", targets));
    }
}
