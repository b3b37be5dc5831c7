using System.Text.Json.Nodes;
using AspireMesh.Hosting.Kubernetes.Rendering;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;
using static AspireMesh.Hosting.Kubernetes.Rendering.Tree;

namespace AspireMesh.Hosting.Kubernetes.Backends.OpenServiceMesh;

/// <summary>Open Service Mesh and SMI, both archived in 2023: written for completeness, with a notice.</summary>
internal sealed class OpenServiceMeshRenderer : IMeshRenderer
{
    private const string Policy = "policy.openservicemesh.io/v1alpha1";

    // OSM asks for a limit of each attempt; this is what Envoy has where nothing is said.
    private static readonly TimeSpan EnvoyTimeout = TimeSpan.FromSeconds(15);

    public MeshBackend Backend => MeshBackend.OpenServiceMesh;

    public void Render(RenderSession session)
    {
        session.Notices.Add("Open Service Mesh has ended: the repository was archived in July 2023 and SMI in October 2023. Choose another mesh for anything new.");
        var ns = session.Placement.Namespace;
        session.Notices.Add($"Open Service Mesh looks at namespaces that joined it: osm namespace add {ns}");
        session.Notices.Add("TrafficTargets and Egresses count only where osm-mesh-config (MeshConfig) says enablePermissiveTrafficPolicyMode: false and enableEgress: false; Retries where featureFlags.enableRetryPolicy is true.");
        session.MarkAll(MarkPlace.PodAnnotation, "openservicemesh.io/sidecar-injection", "enabled");
        if (session.KeepSidecars)
        {
            session.MarkAll(MarkPlace.PodAnnotation, "openservicemesh.io/inbound-port-exclusion-list", SidecarPorts.Inbound);
            session.MarkAll(MarkPlace.PodAnnotation, "openservicemesh.io/outbound-port-exclusion-list", SidecarPorts.Outbound);
        }
        foreach (var workload in session.Model.Workloads)
        {
            foreach (var endpoint in workload.Endpoints) RenderTarget(session, workload, endpoint);
            RenderRetries(session, workload);
            RenderSplits(session, workload);
            RenderUpstream(session, workload);
        }
        foreach (var external in session.Model.ExternalServices) RenderEgress(session, external);
        foreach (var item in session.Items) Verdict(session, item);
    }

    private static JsonObject Account(RenderSession session, string workload) =>
        Map(("kind", "ServiceAccount"), ("name", session.Placement.Workloads[workload].ServiceAccount), ("namespace", session.Placement.Namespace));

    private static void RenderTarget(RenderSession session, WorkloadModel workload, EndpointModel endpoint)
    {
        var callers = session.Model.Edges.Where(e => e.To == workload.Name && e.Endpoint == endpoint.Name).Select(e => e.From).Distinct().ToList();
        if (callers.Count == 0) return;
        var name = $"{workload.Name}-{endpoint.Name}";
        var tcp = endpoint.Protocol == AppProtocol.Tcp;
        session.Add(tcp
            ? new("specs.smi-spec.io/v1alpha4", "TCPRoute", name, session.Placement.Namespace, Map(("spec", Map(("matches", Map(("ports", List(session.Placement.Workloads[workload.Name].Ports[endpoint.Name]))))))))
            : new("specs.smi-spec.io/v1alpha4", "HTTPRouteGroup", name, session.Placement.Namespace, Map(("spec", Map(("matches", List(Map(("name", "all"), ("pathRegex", ".*"), ("methods", Texts(["*"]))))))))));
        var rule = tcp ? Map(("kind", "TCPRoute"), ("name", name)) : Map(("kind", "HTTPRouteGroup"), ("name", name), ("matches", Texts(["all"])));
        session.Add(new("access.smi-spec.io/v1alpha3", "TrafficTarget", name, session.Placement.Namespace, Map(("spec", Map(
            ("destination", Account(session, workload.Name)),
            ("rules", List(rule)),
            ("sources", List(callers.Select(c => Account(session, c)))))))));
    }

    private static void RenderRetries(RenderSession session, WorkloadModel caller)
    {
        // A Retry is for a Service, whatever the port: the first endpoint's stands.
        foreach (var edge in session.Model.Edges.Where(e => IsWrittenRetry(session, e) && e.From == caller.Name))
        {
            var retry = edge.Policies.Retry ?? MeshDefaults.Retry;
            var timeouts = edge.Policies.Timeouts ?? MeshDefaults.Timeouts;
            session.Add(new(Policy, "Retry", $"{edge.From}-to-{edge.To}", session.Placement.Namespace, Map(("spec", Map(
                ("source", Account(session, edge.From)),
                ("destinations", List(Map(("kind", "Service"), ("name", session.Placement.Workloads[edge.To].Service), ("namespace", session.Placement.Namespace)))),
                ("retryPolicy", Map(
                    ("retryOn", "connect-failure,refused-stream"),
                    ("numRetries", retry.MaxRetries),
                    ("perTryTimeout", Duration(timeouts.PerTry > TimeSpan.Zero ? timeouts.PerTry : timeouts.Request > TimeSpan.Zero ? timeouts.Request : EnvoyTimeout)),
                    ("retryBackoffBaseInterval", Duration(retry.BackoffBase)))))))));
        }
    }

    private static bool IsWrittenRetry(RenderSession session, EdgeModel edge) =>
        IsRetried(session, edge) && session.Model.Edges.First(e => e.From == edge.From && e.To == edge.To && IsRetried(session, e)) == edge;

    private static bool IsRetried(RenderSession session, EdgeModel edge) =>
        session.Placement.Workloads.ContainsKey(edge.To) && PolicyItems.ProtocolOf(session.Model, edge) == AppProtocol.Http && (edge.Policies.Retry ?? MeshDefaults.Retry).MaxRetries > 0;

    private static void RenderSplits(RenderSession session, WorkloadModel callee)
    {
        var split = session.Model.Edges.Where(e => e.To == callee.Name).SelectMany(e => e.Policies.Routes).FirstOrDefault(IsPlainSplit);
        if (split is null) return;
        session.Add(new("split.smi-spec.io/v1alpha2", "TrafficSplit", callee.Name, session.Placement.Namespace, Map(("spec", Map(
            ("service", session.Placement.Workloads[callee.Name].Service),
            ("backends", List(split.Split.Select(l => Map(("service", session.Placement.Workloads[l.Workload ?? callee.Name].Service), ("weight", l.Weight))))))))));
    }

    private static bool IsPlainSplit(RoutePolicy route) => route.Matches.Length == 0 && route.Split.Length > 0 && route.Split.All(l => l.Subset.Count == 0);

    private static void RenderUpstream(RenderSession session, WorkloadModel callee)
    {
        var limits = session.Model.Edges.Where(e => e.To == callee.Name).Select(e => e.Policies.Limits).FirstOrDefault(l => l is not null);
        var rate = callee.Inbound.RateLimits.FirstOrDefault(IsTaken);
        if (limits is null && rate is null) return;
        var host = $"{session.Placement.Workloads[callee.Name].Service}.{session.Placement.Namespace}.svc.cluster.local";
        var settings = limits is null ? null : Map(
            ("tcp", limits.MaxConnections > 0 ? Map(("maxConnections", limits.MaxConnections)) : null),
            ("http", Map(("maxPendingRequests", limits.MaxPendingRequests > 0 ? limits.MaxPendingRequests : null), ("maxRequests", limits.MaxConcurrentRequests > 0 ? limits.MaxConcurrentRequests : null)).OrNull()));
        var local = rate is null ? null : Map(("requests", (int)Math.Ceiling(rate.PerSecond)), ("unit", "second"), ("burst", rate.Burst > 0 ? rate.Burst : null));
        var spec = Map(("host", host), ("connectionSettings", settings), ("rateLimit", local is null ? null : Map(("local", Map(("http", local))))));
        session.Add(new(Policy, "UpstreamTrafficSetting", callee.Name, session.Placement.Namespace, Map(("spec", spec))));
    }

    private static bool IsTaken(RateLimitPolicy limit) => limit.Key == RateLimitKey.None && limit.Matches.Length == 0;

    private static void RenderEgress(RenderSession session, ExternalServiceModel external)
    {
        var sources = session.Model.Edges.Where(e => e.To == external.Name).Select(e => e.From).Distinct();
        var protocol = external.Protocol == AppProtocol.Tcp ? "tcp" : external.Tls ? "https" : "http";
        session.Add(new(Policy, "Egress", external.Name, session.Placement.Namespace, Map(("spec", Map(
            ("sources", List(sources.Select(s => Account(session, s)))),
            ("hosts", Texts([external.Host])),
            ("ports", List(Map(("number", external.Port), ("protocol", protocol)))))))));
    }

    private static void Verdict(RenderSession session, PolicyItem item)
    {
        switch (item.Kind)
        {
            case PolicyKind.Mtls when session.Model.Mtls == MtlsMode.Strict: session.Rendered(item, "always on"); break;
            case PolicyKind.Mtls: session.Approximated(item, "always on: OSM takes no plaintext inside the mesh"); break;
            case PolicyKind.AllowList when item.Detail.Length == 0: session.Rendered(item, "nothing to write: whom no TrafficTarget names is refused"); break;
            case PolicyKind.AllowList when item.Workload!.Endpoints.Length > 1: session.Approximated(item, "TrafficTarget between accounts: who may call one HTTP endpoint of the workload may call all of them"); break;
            case PolicyKind.AllowList: session.Rendered(item, "TrafficTarget"); break;
            case PolicyKind.Retry or PolicyKind.PerTryTimeout when item.Route is null && IsRetried(session, item.Edge!) && !IsWrittenRetry(session, item.Edge!):
                session.Approximated(item, "Retry is for a whole Service, and that of another endpoint of it stands");
                break;
            case PolicyKind.Retry when item.Route is null && IsRetried(session, item.Edge!): session.Approximated(item, "Retry on connect failure and refused streams"); break;
            case PolicyKind.PerTryTimeout when IsRetried(session, item.Edge!): session.Rendered(item, "Retry perTryTimeout"); break;
            case PolicyKind.Limits: session.Approximated(item, "UpstreamTrafficSetting, for all callers"); break;
            case PolicyKind.RateLimit when item.Workload!.Inbound.RateLimits.FirstOrDefault(IsTaken)?.Name == item.Detail: session.Rendered(item, "UpstreamTrafficSetting rateLimit.local"); break;
            case PolicyKind.Route or PolicyKind.TrafficSplit when IsPlainSplit(item.Route!): session.Approximated(item, "TrafficSplit, for all callers"); break;
            case PolicyKind.ExternalService: session.Rendered(item, "Egress"); break;
            case PolicyKind.EgressControl: session.Rendered(item, "OSM refuses egress without an Egress policy"); break;
            case PolicyKind.Gateway: session.Missing(item, "an IngressBackend names the ingress controller's Service, which is not the chart's"); break;
            case PolicyKind.LoadBalancing: session.Approximated(item, "Envoy's default balancing"); break;
            default: session.Missing(item, $"no {item.Kind} is written for Open Service Mesh"); break;
        }
    }
}
