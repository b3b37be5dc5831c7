using System.Globalization;
using System.Text.Json.Nodes;
using AspireMesh.Hosting.Kubernetes.Rendering;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;
using static AspireMesh.Hosting.Kubernetes.Rendering.Tree;

namespace AspireMesh.Hosting.Kubernetes.Backends.Kuma;

/// <summary>The outbound policies of one edge.</summary>
internal static class KumaEdges
{
    public static void Render(RenderSession session, EdgeModel edge)
    {
        var policies = edge.Policies;
        var http = PolicyItems.ProtocolOf(session.Model, edge) == AppProtocol.Http;
        var name = $"{edge.From}-to-{edge.To}-{edge.Endpoint}";
        void Add(string kind, JsonObject settings) =>
            session.Add(KumaRenderer.Policy(session, kind, name, Map(("targetRef", KumaRenderer.Target(session, edge.From)), ("to", List(Map(("targetRef", ToRef(session, edge)), ("default", settings)))))));

        Add("MeshTimeout", TimeoutsOf(policies.Timeouts ?? MeshDefaults.Timeouts, http));
        Add("MeshLoadBalancingStrategy", BalancingOf(policies.LoadBalancing ?? MeshDefaults.LoadBalancing));
        Add("MeshCircuitBreaker", BreakerOf(policies));
        if (http) Add("MeshRetry", RetryOf(policies.Retry ?? MeshDefaults.Retry, policies.Timeouts ?? MeshDefaults.Timeouts));
        if (policies.HealthCheck is { } check) Add("MeshHealthCheck", CheckOf(check));
        if (!http || (policies.Routes.Length == 0 && policies.Mirror is null)) return;
        var rules = new JsonArray();
        foreach (var route in policies.Routes.Where(r => RouteShape.Sayable(r) is not null)) rules.Add(KumaRoutes.RuleOf(session, edge, route));
        if (policies.Mirror is not null) rules.Add(KumaRoutes.RuleOf(session, edge, new RoutePolicy { Name = "default" }));
        if (rules.Count == 0) return;
        session.Add(KumaRenderer.Policy(session, "MeshHTTPRoute", name, Map(("targetRef", KumaRenderer.Target(session, edge.From)), ("to", List(Map(("targetRef", ToRef(session, edge)), ("rules", rules)))))));
    }

    public static bool TryVerdict(RenderSession session, PolicyItem item)
    {
        switch (item.Kind)
        {
            case PolicyKind.RequestTimeout when item.Route is not null: session.Missing(item, "MeshTimeout for a single rule of a MeshHTTPRoute is not written"); return true;
            case PolicyKind.Retry when item.Route is not null: session.Missing(item, "MeshRetry for a single rule of a MeshHTTPRoute is not written"); return true;
            case PolicyKind.RequestTimeout or PolicyKind.IdleTimeout: session.Rendered(item, "MeshTimeout"); return true;
            case PolicyKind.PerTryTimeout: session.Rendered(item, "MeshRetry perTryTimeout"); return true;
            case PolicyKind.Retry when (item.Edge!.Policies.Retry ?? MeshDefaults.Retry) is { NonIdempotentMethods: true }: session.Approximated(item, $"MeshRetry{LostOf(item.Edge)}"); return true;
            case PolicyKind.Retry: session.Approximated(item, $"MeshRetry with conditions by HTTP method, so that idempotent ones alone are repeated{LostOf(item.Edge)}"); return true;
            case PolicyKind.RetryBudget: session.Missing(item, "MeshRetry has no budget"); return true;
            case PolicyKind.LoadBalancing when item.Detail == nameof(LoadBalancingAlgorithm.PeakEwma): session.Approximated(item, "LeastRequest instead of peak EWMA"); return true;
            case PolicyKind.LoadBalancing: session.Rendered(item, "MeshLoadBalancingStrategy"); return true;
            case PolicyKind.OutlierDetection or PolicyKind.Limits: session.Rendered(item, "MeshCircuitBreaker"); return true;
            case PolicyKind.CircuitBreaker: session.Approximated(item, "MeshCircuitBreaker failurePercentage detector"); return true;
            case PolicyKind.HealthCheck: session.Rendered(item, "MeshHealthCheck"); return true;
            case PolicyKind.Route when item.Route!.Matches.Any(m => !RouteShape.IsSayable(m)): session.Missing(item, "MeshHTTPRoute has no match on host or baggage under a MeshService; a rule without them would take every request, so it is left out"); return true;
            case PolicyKind.Route when RouteShape.IsPickedEarlier(item.Edge!, item.Route!): session.Approximated(item, "MeshHTTPRoute matches; the most specific rule is picked, not the first, and this one goes before an earlier one of the edge"); return true;
            case PolicyKind.TrafficSplit or PolicyKind.Redirect or PolicyKind.Rewrite or PolicyKind.HeaderEdits when RouteShape.Sayable(item.Route!) is null: session.Missing(item, "its route is left out"); return true;
            case PolicyKind.Route: session.Rendered(item, "MeshHTTPRoute matches"); return true;
            case PolicyKind.TrafficSplit when item.Route!.Split.Any(l => l.Subset.Count > 0): session.Missing(item, "MeshHTTPRoute splits between MeshServices; a subset by label needs a Service of its own"); return true;
            case PolicyKind.TrafficSplit: session.Rendered(item, "MeshHTTPRoute backendRefs weights"); return true;
            case PolicyKind.Redirect or PolicyKind.Rewrite or PolicyKind.HeaderEdits: session.Rendered(item, "MeshHTTPRoute filters"); return true;
            case PolicyKind.Mirror: session.Rendered(item, "MeshHTTPRoute RequestMirror"); return true;
            default: return false;
        }
    }

    private static string LostOf(EdgeModel edge) =>
        edge.Policies.Retry is { GrpcCodes.Length: > 0 } ? "; codes of gRPC are for Services whose appProtocol is grpc, and this one's is http2" : "";

    internal static JsonObject ToRef(RenderSession session, EdgeModel edge) => ServiceRef(session, edge.To, edge.Endpoint);

    internal static JsonObject ServiceRef(RenderSession session, string workload, string endpoint) => Map(
        ("kind", "MeshService"),
        ("labels", LabelsOf(session, workload)),
        ("sectionName", endpoint));

    /// <summary>A destination of a rule; by port, which fails closed where the Service has none of that number.</summary>
    internal static JsonObject BackendRef(RenderSession session, string workload, string endpoint) => Map(
        ("kind", "MeshService"),
        ("labels", LabelsOf(session, workload)),
        ("port", session.Placement.Workloads[workload].Ports[endpoint]));

    /// <summary>Whole numbers stand as numbers, others as text: Kuma takes no fraction as a number.</summary>
    internal static JsonNode Percent(double percent) => percent % 1 == 0 ? JsonValue.Create((int)percent) : JsonValue.Create(percent.ToString(CultureInfo.InvariantCulture));

    // 3.0 selects by labels alone.
    private static JsonObject LabelsOf(RenderSession session, string workload) =>
        Map(("k8s.kuma.io/namespace", session.Placement.Namespace), ("kuma.io/display-name", session.Placement.Workloads[workload].Service));

    private static JsonObject TimeoutsOf(TimeoutPolicy timeouts, bool http) => Map(
        ("connectionTimeout", timeouts.Connect > TimeSpan.Zero ? Duration(timeouts.Connect) : null),
        ("idleTimeout", timeouts.Idle > TimeSpan.Zero ? Duration(timeouts.Idle) : null),
        ("http", http ? Map(("requestTimeout", timeouts.Request > TimeSpan.Zero ? Duration(timeouts.Request) : "0s")) : null));

    private static JsonObject BalancingOf(LoadBalancingPolicy policy) => policy.Algorithm switch
    {
        LoadBalancingAlgorithm.RoundRobin => Map(("loadBalancer", Map(("type", "RoundRobin")))),
        LoadBalancingAlgorithm.Random => Map(("loadBalancer", Map(("type", "Random")))),
        LoadBalancingAlgorithm.ConsistentHash => Map(("loadBalancer", Map(("type", "RingHash"))), ("hashPolicies", List(policy.HashSource switch
        {
            HashSource.Header => Map(("type", "Header"), ("header", Map(("name", policy.HashName)))),
            HashSource.Cookie => Map(("type", "Cookie"), ("cookie", Map(("name", policy.HashName)))),
            HashSource.Query => Map(("type", "QueryParameter"), ("queryParameter", Map(("name", policy.HashName)))),
            _ => Map(("type", "Connection"), ("connection", Map(("sourceIP", true)))),
        }))),
        _ => Map(("loadBalancer", Map(("type", "LeastRequest")))),
    };

    private static JsonObject BreakerOf(EdgePolicies policies)
    {
        var outliers = policies.OutlierDetection ?? MeshDefaults.OutlierDetection;
        var detectors = Map(
            ("totalFailures", outliers.Consecutive5xx > 0 ? Map(("consecutive", outliers.Consecutive5xx)) : null),
            ("gatewayFailures", outliers.ConsecutiveGatewayErrors > 0 ? Map(("consecutive", outliers.ConsecutiveGatewayErrors)) : null),
            ("localOriginFailures", outliers.ConsecutiveLocalFailures > 0 ? Map(("consecutive", outliers.ConsecutiveLocalFailures)) : null),
            ("failurePercentage", policies.CircuitBreaker is { } breaker ? Map(("requestVolume", breaker.MinimumThroughput), ("threshold", (int)Math.Round(breaker.FailureRatio * 100))) : null));
        var limits = policies.Limits is { } l
            ? Map(
                ("maxConnections", l.MaxConnections > 0 ? l.MaxConnections : null),
                ("maxPendingRequests", l.MaxPendingRequests > 0 ? l.MaxPendingRequests : null),
                ("maxRequests", l.MaxConcurrentRequests > 0 ? l.MaxConcurrentRequests : null))
            : null;
        return Map(
            ("connectionLimits", limits?.OrNull()),
            ("outlierDetection", Map(
                ("interval", Duration(outliers.Interval)),
                ("baseEjectionTime", Duration(outliers.BaseEjection)),
                ("maxEjectionPercent", (int)Math.Round(outliers.MaxEjectedPercent)),
                ("splitExternalAndLocalErrors", outliers.ConsecutiveLocalFailures > 0),
                ("detectors", detectors))));
    }

    private static JsonObject RetryOf(RetryPolicy retry, TimeoutPolicy timeouts)
    {
        var on = new List<string>();
        if (retry.Conditions.HasFlag(RetryConditions.ConnectFailure)) on.Add("ConnectFailure");
        if (retry.Conditions.HasFlag(RetryConditions.RefusedStream)) on.Add("RefusedStream");
        if (retry.Conditions.HasFlag(RetryConditions.Reset)) on.Add("Reset");
        if (retry.Conditions.HasFlag(RetryConditions.GatewayError)) on.Add("GatewayError");
        if (retry.Conditions.HasFlag(RetryConditions.ServerError)) on.Add("5XX");
        on.AddRange(retry.StatusCodes.Select(c => c.ToString(CultureInfo.InvariantCulture)));
        if (!retry.NonIdempotentMethods) on.AddRange(["HttpMethodGet", "HttpMethodHead", "HttpMethodOptions", "HttpMethodPut", "HttpMethodDelete", "HttpMethodTrace"]);
        return Map(("http", Map(
            ("numRetries", retry.MaxRetries),
            ("perTryTimeout", timeouts.PerTry > TimeSpan.Zero ? Duration(timeouts.PerTry) : null),
            ("backOff", Map(("baseInterval", Duration(retry.BackoffBase)), ("maxInterval", Duration(retry.BackoffMax)))),
            ("retryOn", Texts(on)),
            ("hostSelection", retry.OtherDestination ? List(Map(("predicate", "OmitPreviousHosts"))) : null))));
    }

    private static JsonObject CheckOf(HealthCheckPolicy check) => Map(
        ("interval", Duration(check.Interval)),
        ("timeout", Duration(check.Timeout)),
        ("unhealthyThreshold", check.UnhealthyThreshold),
        ("healthyThreshold", check.HealthyThreshold),
        (check.Kind switch { HealthCheckKind.Http => "http", HealthCheckKind.Grpc => "grpc", _ => "tcp" }, check.Kind switch
        {
            HealthCheckKind.Http => Map(("path", check.Path)),
            HealthCheckKind.Grpc => Map(("serviceName", check.GrpcService)),
            _ => new JsonObject(),
        }));
}
