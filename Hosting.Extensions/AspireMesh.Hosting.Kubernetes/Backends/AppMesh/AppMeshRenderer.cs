using System.Text.Json.Nodes;
using AspireMesh.Hosting.Kubernetes.Rendering;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;
using static AspireMesh.Hosting.Kubernetes.Rendering.Tree;

namespace AspireMesh.Hosting.Kubernetes.Backends.AppMesh;

/// <summary>AWS App Mesh (appmesh.k8s.aws/v1beta2): ended on 30 September 2026, written for completeness with a notice.</summary>
internal sealed class AppMeshRenderer : IMeshRenderer
{
    private const string Api = "appmesh.k8s.aws/v1beta2";

    public MeshBackend Backend => MeshBackend.AppMesh;

    public void Render(RenderSession session)
    {
        session.Notices.Add("AWS App Mesh has ended: support stopped on 30 September 2026 and its resources cannot be reached. AWS points to ECS Service Connect.");
        var ns = session.Placement.Namespace;
        session.Notices.Add($"App Mesh looks at namespaces with its labels: kubectl label namespace {ns} mesh={session.Name} appmesh.k8s.aws/sidecarInjectorWebhook=enabled");
        session.MarkAll(MarkPlace.PodAnnotation, "appmesh.k8s.aws/sidecarInjectorWebhook", "enabled");
        if (session.KeepSidecars) session.MarkAll(MarkPlace.PodAnnotation, "appmesh.k8s.aws/egressIgnoredPorts", SidecarPorts.Outbound);
        session.Add(new(Api, "Mesh", session.Name, null, Map(("spec", Map(
            ("namespaceSelector", Map(("matchLabels", Map(("mesh", session.Name))))),
            ("egressFilter", Map(("type", session.Model.UndeclaredEgress == EgressMode.Refuse ? "DROP_ALL" : "ALLOW_ALL"))))))));
        foreach (var workload in session.Model.Workloads)
        {
            RenderNode(session, workload);
            if (workload.Endpoints.Length > 0) RenderService(session, workload);
        }
        foreach (var item in session.Items) Verdict(session, item);
    }

    private static Manifest Entry(RenderSession session, string kind, string name, JsonObject spec) => new(Api, kind, name, session.Placement.Namespace, Map(("spec", spec)));

    private static string HostOf(RenderSession session, string workload) => $"{session.Placement.Workloads[workload].Service}.{session.Placement.Namespace}.svc.cluster.local";

    private static void RenderNode(RenderSession session, WorkloadModel workload)
    {
        var placement = session.Placement.Workloads[workload.Name];
        var listeners = List(workload.Endpoints.Select(e => ListenerOf(session, workload, e, placement.Ports[e.Name])));
        var backends = List(session.Model.Edges.Where(e => e.From == workload.Name && session.Placement.Workloads.ContainsKey(e.To)).Select(e => e.To).Distinct()
            .Select(to => Map(("virtualService", Map(("virtualServiceRef", Map(("name", session.Placement.Workloads[to].Service))))))));
        session.Add(Entry(session, "VirtualNode", workload.Name, Map(
            ("podSelector", Map(("matchLabels", Labels(placement.PodLabels)))),
            ("listeners", listeners.OrNull()),
            ("backends", backends.OrNull()),
            ("serviceDiscovery", Map(("dns", Map(("hostname", HostOf(session, workload.Name)))))))));
    }

    private static JsonObject ListenerOf(RenderSession session, WorkloadModel workload, EndpointModel endpoint, int port)
    {
        var edges = session.Model.Edges.Where(e => e.To == workload.Name && e.Endpoint == endpoint.Name).ToList();
        var outliers = edges.Select(e => e.Policies.OutlierDetection).FirstOrDefault(o => o is not null) ?? MeshDefaults.OutlierDetection;
        var limits = edges.Select(e => e.Policies.Limits).FirstOrDefault(l => l is not null);
        var http = endpoint.Protocol == AppProtocol.Http;
        var pool = limits is null ? null : http
            ? Map(("http", Map(("maxConnections", Math.Max(limits.MaxConnections, 1)), ("maxPendingRequests", limits.MaxPendingRequests > 0 ? limits.MaxPendingRequests : null))))
            : Map(("tcp", Map(("maxConnections", Math.Max(limits.MaxConnections, 1)))));
        return Map(
            ("portMapping", Map(("port", port), ("protocol", ProtocolOf(session, workload, endpoint)))),
            ("connectionPool", pool),
            ("outlierDetection", Map(
                ("maxServerErrors", Math.Max(outliers.Consecutive5xx, 1)),
                ("interval", Time(outliers.Interval)),
                ("baseEjectionDuration", Time(outliers.BaseEjection)),
                ("maxEjectionPercent", (int)Math.Round(outliers.MaxEjectedPercent)))));
    }

    private static string ProtocolOf(RenderSession session, WorkloadModel workload, EndpointModel endpoint) =>
        endpoint.Protocol == AppProtocol.Tcp ? "tcp" : session.Placement.Workloads[workload.Name].Http2.Contains(endpoint.Name) ? "http2" : "http";

    private static JsonObject Time(TimeSpan time) => Map(("unit", "ms"), ("value", (long)time.TotalMilliseconds));

    private static void RenderService(RenderSession session, WorkloadModel workload)
    {
        var placement = session.Placement.Workloads[workload.Name];
        var edge = session.Model.Edges.Where(e => e.To == workload.Name).MaxBy(e => e.Policies.Routes.Length);
        var routes = new JsonArray();
        foreach (var endpoint in workload.Endpoints)
        {
            var legs = edge?.Policies.Routes.Where(IsPlainSplit).Select(r => r.Split).FirstOrDefault();
            var targets = legs is { IsDefaultOrEmpty: false } split
                ? List(split.Select(l => Map(("virtualNodeRef", Map(("name", l.Workload ?? workload.Name))), ("weight", l.Weight))))
                : List(Map(("virtualNodeRef", Map(("name", workload.Name))), ("weight", 1)));
            var port = placement.Ports[endpoint.Name];
            routes.Add(endpoint.Protocol == AppProtocol.Http
                ? Map(("name", endpoint.Name), (ProtocolOf(session, workload, endpoint) == "http2" ? "http2Route" : "httpRoute", HttpRouteOf(edge, targets, port)))
                : Map(("name", endpoint.Name), ("tcpRoute", Map(("match", Map(("port", port))), ("action", Map(("weightedTargets", targets)))))));
        }
        var listeners = List(workload.Endpoints.Select(e => Map(("portMapping", Map(("port", placement.Ports[e.Name]), ("protocol", ProtocolOf(session, workload, e)))))));
        session.Add(Entry(session, "VirtualRouter", workload.Name, Map(("listeners", listeners), ("routes", routes))));
        session.Add(Entry(session, "VirtualService", placement.Service, Map(
            ("awsName", HostOf(session, workload.Name)),
            ("provider", Map(("virtualRouter", Map(("virtualRouterRef", Map(("name", workload.Name))))))))));
    }

    private static JsonObject HttpRouteOf(EdgeModel? edge, JsonArray targets, int port)
    {
        var retry = edge?.Policies.Retry ?? MeshDefaults.Retry;
        var timeouts = edge?.Policies.Timeouts ?? MeshDefaults.Timeouts;
        return Map(
            ("match", Map(("prefix", "/"), ("port", port))),
            ("action", Map(("weightedTargets", targets))),
            ("retryPolicy", retry.MaxRetries == 0 ? null : Map(
                ("maxRetries", retry.MaxRetries),
                ("perRetryTimeout", Time(timeouts.PerTry > TimeSpan.Zero ? timeouts.PerTry : timeouts.Request)),
                ("tcpRetryEvents", Texts(["connection-error"])))),
            ("timeout", Map(("perRequest", timeouts.Request > TimeSpan.Zero ? Time(timeouts.Request) : null), ("idle", timeouts.Idle > TimeSpan.Zero ? Time(timeouts.Idle) : null)).OrNull()));
    }

    private static bool IsPlainSplit(RoutePolicy route) => route.Matches.Length == 0 && route.Split.Length > 0 && route.Split.All(l => l.Subset.Count == 0);

    private static void Verdict(RenderSession session, PolicyItem item)
    {
        switch (item.Kind)
        {
            case PolicyKind.Mtls: session.Missing(item, "App Mesh takes certificates from ACM, files or SDS, none of which a chart can bring"); break;
            case PolicyKind.AllowList: session.Approximated(item, "VirtualNode backends limit what a caller can reach, without proof of identity"); break;
            case PolicyKind.IdleTimeout when PolicyItems.ProtocolOf(session.Model, item.Edge!) == AppProtocol.Tcp: session.Missing(item, "no timeout is written on TCP routes"); break;
            case PolicyKind.RequestTimeout or PolicyKind.IdleTimeout when item.Route is null: session.Approximated(item, "route timeout, for all callers"); break;
            case PolicyKind.PerTryTimeout when (item.Edge!.Policies.Retry ?? MeshDefaults.Retry).MaxRetries > 0: session.Approximated(item, "perRetryTimeout, for all callers"); break;
            case PolicyKind.Retry when item.Route is null: session.Approximated(item, "retryPolicy on connection errors, for all callers"); break;
            case PolicyKind.OutlierDetection: session.Approximated(item, "VirtualNode outlierDetection, for all callers"); break;
            case PolicyKind.Limits: session.Approximated(item, "VirtualNode connectionPool, for all callers"); break;
            case PolicyKind.Route or PolicyKind.TrafficSplit when IsPlainSplit(item.Route!): session.Approximated(item, "weightedTargets, for all callers"); break;
            case PolicyKind.EgressControl: session.Rendered(item, "Mesh egressFilter DROP_ALL"); break;
            case PolicyKind.LoadBalancing: session.Approximated(item, "Envoy's default balancing"); break;
            default: session.Missing(item, $"App Mesh has no {item.Kind}"); break;
        }
    }
}
