using System.Globalization;
using System.Text.Json.Nodes;
using AspireMesh.Hosting.Kubernetes.Backends.GatewayApi;
using AspireMesh.Hosting.Kubernetes.Rendering;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;
using static AspireMesh.Hosting.Kubernetes.Rendering.Tree;

namespace AspireMesh.Hosting.Kubernetes.Backends.Linkerd;

/// <summary>
/// Linkerd 2.x (charts/linkerd-crds): mTLS is always on; Server + MeshTLSAuthentication + AuthorizationPolicy make the allow-list; retries, timeouts and
/// failure accrual are annotations. A ServiceProfile would switch those annotations off, so none is ever written.
/// </summary>
internal sealed class LinkerdRenderer : IMeshRenderer
{
    private const string Alpha = "policy.linkerd.io/v1alpha1";
    private const string Server = "policy.linkerd.io/v1beta3";

    public MeshBackend Backend => MeshBackend.Linkerd;

    public void Render(RenderSession session)
    {
        var inbound = session.Model.Mtls == MtlsMode.Strict ? "deny" : "all-unauthenticated";
        session.MarkAll(MarkPlace.PodAnnotation, "linkerd.io/inject", "enabled");
        session.MarkAll(MarkPlace.PodAnnotation, "config.linkerd.io/default-inbound-policy", inbound);
        if (session.KeepSidecars)
        {
            session.MarkAll(MarkPlace.PodAnnotation, "config.linkerd.io/skip-inbound-ports", SidecarPorts.Inbound);
            session.MarkAll(MarkPlace.PodAnnotation, "config.linkerd.io/skip-outbound-ports", SidecarPorts.Outbound);
        }
        foreach (var workload in session.Model.Workloads)
        {
            foreach (var endpoint in workload.Endpoints) RenderServer(session, workload, endpoint);
            MarkService(session, workload);
        }
        GatewayRoutes.Render(session, GatewayRouteOptions.Linkerd, e => AnnotationsOf(session, e), e => IsGrpc(session, e));
        foreach (var item in session.Items) Verdict(session, item);
    }

    // What belongs to a Service and so to all its callers: ports that are not to be looked into, and when a pod is out.
    private static void MarkService(RenderSession session, WorkloadModel workload)
    {
        var opaque = workload.Endpoints.Where(e => e.Protocol == AppProtocol.Tcp).Select(e => session.Placement.Workloads[workload.Name].Ports[e.Name].ToString(CultureInfo.InvariantCulture)).ToArray();
        if (opaque.Length > 0) session.Mark(workload.Name, MarkPlace.ServiceAnnotation, "config.linkerd.io/opaque-ports", string.Join(',', opaque));
        if (Accrual(session, workload.Name) is not { } outliers) return;
        void Mark(string key, string value) => session.Mark(workload.Name, MarkPlace.ServiceAnnotation, $"balancer.linkerd.io/failure-accrual{key}", value);
        Mark("", "consecutive");
        Mark("-consecutive-max-failures", outliers.Consecutive5xx.ToString(CultureInfo.InvariantCulture));
        Mark("-consecutive-min-penalty", Duration(outliers.BaseEjection));
    }

    /// <summary>The detection that a Service's annotations say: the first HTTP caller's that counts 5xx.</summary>
    private static OutlierDetectionPolicy? Accrual(RenderSession session, string callee) =>
        session.Model.Edges.Where(e => e.To == callee && session.Placement.Workloads.ContainsKey(callee) && PolicyItems.ProtocolOf(session.Model, e) == AppProtocol.Http)
            .Select(e => e.Policies.OutlierDetection ?? MeshDefaults.OutlierDetection).FirstOrDefault(o => o.Consecutive5xx > 0);

    private static void RenderCallers(RenderSession session, string server, IEnumerable<string> callers)
    {
        var accounts = callers.Select(c => Map(("kind", "ServiceAccount"), ("name", session.Placement.Workloads[c].ServiceAccount)));
        session.Add(new(Alpha, "MeshTLSAuthentication", $"{server}-callers", session.Placement.Namespace, Map(("spec", Map(("identityRefs", List(accounts)))))));
    }

    private static void RenderServer(RenderSession session, WorkloadModel workload, EndpointModel endpoint)
    {
        var placement = session.Placement.Workloads[workload.Name];
        var ns = session.Placement.Namespace;
        var name = $"{workload.Name}-{endpoint.Name}";
        var spec = Map(
            ("podSelector", Map(("matchLabels", Labels(placement.PodLabels)))),
            ("port", placement.Ports[endpoint.Name]),
            ("proxyProtocol", endpoint.Protocol == AppProtocol.Tcp ? "opaque" : placement.Http2.Contains(endpoint.Name) ? "HTTP/2" : "unknown"),
            ("accessPolicy", workload.Inbound.AuditOnly ? "audit" : "deny"));
        session.Add(new(Server, "Server", name, ns, Map(("spec", spec))));
        var callers = session.Model.Edges.Where(e => e.To == workload.Name && e.Endpoint == endpoint.Name).Select(e => e.From).Distinct().Order(StringComparer.Ordinal).ToArray();
        if (callers.Length > 0)
        {
            RenderCallers(session, name, callers);
            var rule = Map(
                ("targetRef", Map(("group", "policy.linkerd.io"), ("kind", "Server"), ("name", name))),
                ("requiredAuthenticationRefs", List(Map(("group", "policy.linkerd.io"), ("kind", "MeshTLSAuthentication"), ("name", $"{name}-callers")))));
            session.Add(new(Alpha, "AuthorizationPolicy", name, ns, Map(("spec", rule))));
        }
        foreach (var limit in workload.Inbound.RateLimits.Where(IsTaken).Take(1))
        {
            var rate = Map(("requestsPerSecond", (int)Math.Ceiling(limit.PerSecond)));
            session.Add(new(Alpha, "HTTPLocalRateLimitPolicy", name, ns, Map(("spec", Map(
                ("targetRef", Map(("group", "policy.linkerd.io"), ("kind", "Server"), ("name", name))),
                (limit.Key == RateLimitKey.Caller ? "identity" : "total", rate))))));
        }
    }

    private static bool IsTaken(RateLimitPolicy limit) => limit.Key != RateLimitKey.Header && limit.Matches.Length == 0;

    /// <summary>Whether an edge's retries are by gRPC's codes, which Linkerd reads on a GRPCRoute only; routes by path need an HTTPRoute.</summary>
    private static bool IsGrpc(RenderSession session, EdgeModel edge) =>
        edge.Policies.Retry is { GrpcCodes.Length: > 0, MaxRetries: > 0 } && edge.Policies.Routes.Length == 0 && session.Placement.Workloads[edge.To].Http2.Contains(edge.Endpoint);

    /// <summary>What is repeated: codes of gRPC, or a class of HTTP statuses. Linkerd repeats whatever is named, POST included, so the latter only where the user said so.</summary>
    private static (string? Http, string? Grpc) ConditionsOf(RenderSession session, EdgeModel edge)
    {
        var retry = edge.Policies.Retry ?? MeshDefaults.Retry;
        if (retry.MaxRetries == 0) return (null, null);
        if (IsGrpc(session, edge)) return (null, string.Join(',', retry.GrpcCodes.Select(c => GrpcCodes.Name(c).ToLowerInvariant().Replace('_', '-'))));
        if (!retry.NonIdempotentMethods) return (null, null);
        return (retry.Conditions.HasFlag(RetryConditions.ServerError) ? "5xx" : retry.Conditions.HasFlag(RetryConditions.GatewayError) ? "gateway-error" : null, null);
    }

    private static bool Repeats(RenderSession session, EdgeModel edge) => session.Placement.Workloads.ContainsKey(edge.To) && ConditionsOf(session, edge) is not (null, null);

    private static JsonObject AnnotationsOf(RenderSession session, EdgeModel edge)
    {
        var timeouts = edge.Policies.Timeouts ?? MeshDefaults.Timeouts;
        var (http, grpc) = ConditionsOf(session, edge);
        // A limit of one attempt is a retry by itself: Linkerd repeats what took longer, once where no number stands, whatever the method.
        var repeats = Repeats(session, edge);
        return Map(
            ("retry.linkerd.io/http", http),
            ("retry.linkerd.io/grpc", grpc),
            ("retry.linkerd.io/limit", repeats ? (edge.Policies.Retry ?? MeshDefaults.Retry).MaxRetries.ToString(CultureInfo.InvariantCulture) : null),
            ("retry.linkerd.io/timeout", repeats && timeouts.PerTry > TimeSpan.Zero ? Duration(timeouts.PerTry) : null),
            ("timeout.linkerd.io/request", timeouts.Request > TimeSpan.Zero ? Duration(timeouts.Request) : null),
            ("timeout.linkerd.io/idle", timeouts.Idle > TimeSpan.Zero ? Duration(timeouts.Idle) : null));
    }

    private static void Verdict(RenderSession session, PolicyItem item)
    {
        if (item.Kind is not PolicyKind.RequestTimeout and not PolicyKind.PerTryTimeout && GatewayRoutes.TryVerdict(session, item, GatewayRouteOptions.Linkerd)) return;
        switch (item.Kind)
        {
            case PolicyKind.Mtls when session.Model.Mtls == MtlsMode.Strict: session.Rendered(item, "automatic; default-inbound-policy deny refuses plaintext"); break;
            case PolicyKind.Mtls: session.Approximated(item, "automatic between meshed pods; a workload's Servers refuse who has no identity all the same"); break;
            case PolicyKind.AllowList: session.Rendered(item, "Server, MeshTLSAuthentication and AuthorizationPolicy"); break;
            case PolicyKind.AuthorizationRule: session.Missing(item, "Linkerd has no DENY rules, and route rules of the user's own are not written"); break;
            case PolicyKind.AuditOnly: session.Rendered(item, "Server accessPolicy audit"); break;
            case PolicyKind.RateLimit when IsTaken(item.Workload!.Inbound.RateLimits.First(l => l.Name == item.Detail)) && item.Workload.Inbound.RateLimits.First(IsTaken).Name == item.Detail:
                session.Approximated(item, "HTTPLocalRateLimitPolicy, without a burst");
                break;
            case PolicyKind.RateLimit: session.Missing(item, "one HTTPLocalRateLimitPolicy per Server, in total or by identity only"); break;
            case PolicyKind.RequestTimeout or PolicyKind.PerTryTimeout or PolicyKind.IdleTimeout when GatewayRoutes.IsShared(session, item):
                session.Approximated(item, "annotations of the HTTPRoute, which cannot tell callers apart: those of another caller of this endpoint stand");
                break;
            case PolicyKind.IdleTimeout when PolicyItems.ProtocolOf(session.Model, item.Edge!) == AppProtocol.Tcp: session.Missing(item, "timeout.linkerd.io/idle is an annotation of HTTPRoutes, and this is TCP"); break;
            case PolicyKind.RequestTimeout or PolicyKind.Retry when item.Route is not null: session.Missing(item, "annotations hold for a whole HTTPRoute, so the edge's hold for this route too"); break;
            case PolicyKind.RequestTimeout: session.Rendered(item, "timeout.linkerd.io/request"); break;
            case PolicyKind.PerTryTimeout when Repeats(session, item.Edge!): session.Rendered(item, "retry.linkerd.io/timeout"); break;
            case PolicyKind.PerTryTimeout: session.Missing(item, "an attempt's limit is part of retries (retry.linkerd.io/timeout repeats what took longer), and none are written here"); break;
            case PolicyKind.IdleTimeout: session.Rendered(item, "timeout.linkerd.io/idle"); break;
            case PolicyKind.Retry when Repeats(session, item.Edge!): session.Approximated(item, "retry.linkerd.io annotations; bodies over 64 KiB are not repeated, no pause between attempts"); break;
            case PolicyKind.Retry: session.Missing(item, "Linkerd's retries do not tell idempotent methods from others, so none are written where only idempotent ones may be repeated"); break;
            case PolicyKind.RetryBudget: session.Missing(item, "a budget exists only in ServiceProfile, which switches the other policies off"); break;
            case PolicyKind.LoadBalancing when item.Detail == nameof(LoadBalancingAlgorithm.PeakEwma): session.Rendered(item, "Linkerd's own peak EWMA"); break;
            case PolicyKind.LoadBalancing: session.Approximated(item, "Linkerd always balances by peak EWMA"); break;
            case PolicyKind.OutlierDetection when Accrual(session, item.Edge!.To) is not null && PolicyItems.ProtocolOf(session.Model, item.Edge) == AppProtocol.Http:
                session.Approximated(item, "balancer.linkerd.io/failure-accrual on the callee's Service: consecutive failures, for all callers");
                break;
            case PolicyKind.OutlierDetection: session.Missing(item, "failure accrual counts HTTP responses only"); break;
            case PolicyKind.Gateway: session.Missing(item, "Linkerd has no gateway of its own: annotate an ingress controller with linkerd.io/inject, and authorize its ServiceAccount for the workload's Server"); break;
            case PolicyKind.Fault: session.Missing(item, "Linkerd has no faults"); break;
            case PolicyKind.TlsRoute: session.Missing(item, "Linkerd reads TLSRoute in v1alpha2 only, which Gateway API's standard channel does not carry"); break;
            case PolicyKind.ExternalService or PolicyKind.EgressControl: session.Missing(item, "an EgressNetwork is not written: it is in Linkerd's own namespace or the pods', and its routes are TLSRoute v1alpha2"); break;
            default: session.Missing(item, $"Linkerd has no {item.Kind}"); break;
        }
    }
}
