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

    // A limit of each attempt has to be there; this is what Envoy has where nothing is said.
    private static readonly TimeSpan EnvoyTimeout = TimeSpan.FromSeconds(15);

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
        foreach (var external in session.Model.ExternalServices) RenderExternal(session, external);
        foreach (var item in session.Items) Verdict(session, item);
    }

    private static Manifest Entry(RenderSession session, string kind, string name, JsonObject spec) => new(Api, kind, name, session.Placement.Namespace, Map(("spec", spec)));

    private static string HostOf(RenderSession session, string workload) => $"{session.Placement.Workloads[workload].Service}.{session.Placement.Namespace}.svc.cluster.local";

    private static void RenderNode(RenderSession session, WorkloadModel workload)
    {
        var placement = session.Placement.Workloads[workload.Name];
        var listeners = List(workload.Endpoints.Select(e => ListenerOf(session, workload, e, placement.Ports[e.Name])));
        var backends = List(session.Model.Edges.Where(e => e.From == workload.Name).Select(e => e.To).Distinct()
            .Select(to => Map(("virtualService", Map(("virtualServiceRef", Map(("name", session.Placement.Workloads.GetValueOrDefault(to)?.Service ?? to))))))));
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
        var protocol = ProtocolOf(session, workload, endpoint);
        return Map(
            ("portMapping", Map(("port", port), ("protocol", protocol))),
            ("connectionPool", limits is null ? null : PoolOf(limits, protocol)),
            // A count of none would be a count of one: there is no word for "not at all".
            ("outlierDetection", outliers.Consecutive5xx == 0 ? null : Map(
                ("maxServerErrors", outliers.Consecutive5xx),
                ("interval", Time(outliers.Interval)),
                ("baseEjectionDuration", Time(outliers.BaseEjection)),
                ("maxEjectionPercent", (int)Math.Round(outliers.MaxEjectedPercent)))));
    }

    /// <summary>The pool in the words of the listener's protocol; null where they ask for a number that the limits do not have.</summary>
    private static JsonObject? PoolOf(ConcurrencyPolicy limits, string protocol) => protocol switch
    {
        "http2" => limits.MaxConcurrentRequests == 0 ? null : Map(("http2", Map(("maxRequests", limits.MaxConcurrentRequests)))),
        _ when limits.MaxConnections == 0 => null,
        "http" => Map(("http", Map(("maxConnections", limits.MaxConnections), ("maxPendingRequests", limits.MaxPendingRequests > 0 ? limits.MaxPendingRequests : null)))),
        _ => Map(("tcp", Map(("maxConnections", limits.MaxConnections)))),
    };

    private static string ProtocolOf(RenderSession session, WorkloadModel workload, EndpointModel endpoint) =>
        endpoint.Protocol == AppProtocol.Tcp ? "tcp" : session.Placement.Workloads[workload.Name].Http2.Contains(endpoint.Name) ? "http2" : "http";

    private static JsonObject Time(TimeSpan time) => Map(("unit", "ms"), ("value", (long)time.TotalMilliseconds));

    private static void RenderService(RenderSession session, WorkloadModel workload)
    {
        var placement = session.Placement.Workloads[workload.Name];
        var routes = new JsonArray();
        foreach (var endpoint in workload.Endpoints)
        {
            var edge = session.Model.Edges.Where(e => e.To == workload.Name && e.Endpoint == endpoint.Name).MaxBy(e => e.Policies.Routes.Length);
            var split = edge?.Policies.Routes.FirstOrDefault(IsPlainSplit)?.Split ?? [];
            var total = split.Sum(l => l.Weight);
            // Weights end at 100, and a node with more than one listener has to be told which.
            var targets = split.Length == 0
                ? List(TargetOf(session, workload.Name, endpoint.Name, 1))
                : List(split.Select(l => TargetOf(session, l.Workload ?? workload.Name, l.Endpoint ?? endpoint.Name, (int)Math.Round(100.0 * l.Weight / total))));
            var port = placement.Ports[endpoint.Name];
            routes.Add(endpoint.Protocol == AppProtocol.Http
                ? Map(("name", endpoint.Name), (ProtocolOf(session, workload, endpoint) == "http2" ? "http2Route" : "httpRoute", HttpRouteOf(edge, targets, port)))
                : Map(("name", endpoint.Name), ("tcpRoute", Map(("match", Map(("port", port))), ("action", Map(("weightedTargets", targets)))))));
        }
        var listeners = List(workload.Endpoints.Select(e => Map(("portMapping", Map(("port", placement.Ports[e.Name]), ("protocol", ProtocolOf(session, workload, e)))))));
        session.Add(Entry(session, "VirtualRouter", workload.Name, Map(("listeners", listeners), ("routes", routes))));
        // Envoy picks the virtual service by the host that the client named, and the chart's clients name the Service without its domain.
        session.Add(Entry(session, "VirtualService", placement.Service, Map(
            ("awsName", placement.Service),
            ("provider", Map(("virtualRouter", Map(("virtualRouterRef", Map(("name", workload.Name))))))))));
    }

    private static JsonObject TargetOf(RenderSession session, string workload, string endpoint, int weight) =>
        Map(("virtualNodeRef", Map(("name", workload))), ("port", session.Placement.Workloads[workload].Ports[endpoint]), ("weight", weight));

    private static void RenderExternal(RenderSession session, ExternalServiceModel external)
    {
        session.Add(Entry(session, "VirtualNode", external.Name, Map(
            ("listeners", List(Map(("portMapping", Map(("port", external.Port), ("protocol", external.Protocol == AppProtocol.Tcp || external.Tls ? "tcp" : "http")))))),
            ("serviceDiscovery", Map(("dns", Map(("hostname", external.Host))))))));
        session.Add(Entry(session, "VirtualService", external.Name, Map(("awsName", external.Host), ("provider", Map(("virtualNode", Map(("virtualNodeRef", Map(("name", external.Name))))))))));
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
                ("perRetryTimeout", Time(timeouts.PerTry > TimeSpan.Zero ? timeouts.PerTry : timeouts.Request > TimeSpan.Zero ? timeouts.Request : EnvoyTimeout)),
                ("tcpRetryEvents", Texts(["connection-error"])))),
            ("timeout", Map(("perRequest", timeouts.Request > TimeSpan.Zero ? Time(timeouts.Request) : null), ("idle", timeouts.Idle > TimeSpan.Zero ? Time(timeouts.Idle) : null)).OrNull()));
    }

    private static bool IsPlainSplit(RoutePolicy route) => route.Matches.Length == 0 && route.Split.Length > 0 && route.Split.All(l => l.Subset.Count == 0);

    private static bool IsPooled(RenderSession session, EdgeModel edge) =>
        session.Model.Workloads.FirstOrDefault(w => w.Name == edge.To) is { } callee && PoolOf(edge.Policies.Limits!, ProtocolOf(session, callee, callee.Endpoints.First(e => e.Name == edge.Endpoint))) is not null;

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
            case PolicyKind.OutlierDetection when (item.Edge!.Policies.OutlierDetection ?? MeshDefaults.OutlierDetection).Consecutive5xx == 0: session.Missing(item, "VirtualNode outlierDetection counts server errors only"); break;
            case PolicyKind.OutlierDetection: session.Approximated(item, "VirtualNode outlierDetection, for all callers"); break;
            case PolicyKind.Limits when !IsPooled(session, item.Edge!): session.Missing(item, "a VirtualNode's connectionPool asks for a number of connections, or of requests with HTTP/2"); break;
            case PolicyKind.Limits: session.Approximated(item, "VirtualNode connectionPool, for all callers"); break;
            case PolicyKind.Route or PolicyKind.TrafficSplit when IsPlainSplit(item.Route!): session.Approximated(item, "weightedTargets, for all callers"); break;
            case PolicyKind.EgressControl: session.Rendered(item, "Mesh egressFilter DROP_ALL"); break;
            case PolicyKind.ExternalService: session.Rendered(item, "VirtualService and VirtualNode of the host outside, a backend of its callers"); break;
            case PolicyKind.Gateway: session.Missing(item, "a VirtualGateway is an Envoy of its own, which the chart does not bring"); break;
            case PolicyKind.LoadBalancing: session.Approximated(item, "Envoy's default balancing"); break;
            default: session.Missing(item, $"no {item.Kind} is written for App Mesh"); break;
        }
    }
}
