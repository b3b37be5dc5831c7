using System.Text.Json.Nodes;
using AspireMesh.Hosting.Kubernetes.Rendering;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;
using static AspireMesh.Hosting.Kubernetes.Rendering.Tree;

namespace AspireMesh.Hosting.Kubernetes.Backends.Istio;

/// <summary>One DestinationRule per edge, for the caller's pods only (<c>workloadSelector</c>), with the subsets that splits name.</summary>
internal static class IstioDestinations
{
    /// <summary>Renders them.</summary>
    /// <param name="session">The rendering.</param>
    /// <param name="atWaypoint">Whether a waypoint applies them: it reads none that selects a caller's pods, so there is one per callee, and ztunnel's TLS is not its to choose.</param>
    public static void Render(RenderSession session, bool atWaypoint = false)
    {
        var model = session.Model;
        foreach (var pair in model.Edges.Where(e => session.Placement.Workloads.ContainsKey(e.To)).GroupBy(e => (From: atWaypoint ? null : e.From, e.To)))
        {
            // A DestinationRule is per host: edges of one pair that differ by endpoint go into portLevelSettings.
            var edges = pair.DistinctBy(e => e.Endpoint).ToList();
            var placement = session.Placement.Workloads[pair.Key.To];
            var subsets = model.Edges.SelectMany(e => e.Policies.Routes.SelectMany(r => r.Split).Where(l => (l.Workload ?? e.To) == pair.Key.To))
                .Where(l => l.Subset.Count > 0)
                .DistinctBy(SubsetName)
                .Select(l => (JsonNode?)Map(("name", SubsetName(l)), ("labels", Labels(l.Subset))))
                .ToArray();
            var policy = TrafficPolicyOf(session, edges[0], atWaypoint);
            if (edges.Count > 1)
            {
                policy["portLevelSettings"] = List(edges.Select(e =>
                {
                    var settings = TrafficPolicyOf(session, e, atWaypoint);
                    settings.Remove("retryBudget");
                    var port = Map(("port", Map(("number", placement.Ports[e.Endpoint]))));
                    foreach (var (key, value) in settings.ToArray())
                    {
                        settings.Remove(key);
                        port[key] = value;
                    }
                    return port;
                }));
            }
            var spec = Map(
                ("host", placement.Service),
                ("workloadSelector", pair.Key.From is { } caller ? IstioSecurity.Selector(session, caller) : null),
                ("trafficPolicy", policy),
                ("subsets", new JsonArray(subsets).OrNull()));
            session.Add(new(IstioRenderer.Networking, "DestinationRule", pair.Key.From is null ? pair.Key.To : $"{pair.Key.From}-to-{pair.Key.To}", session.Placement.Namespace, Map(("spec", spec))));
        }
    }

    /// <summary>The subset's name from its labels; null for a leg without a subset.</summary>
    public static string? SubsetName(TrafficSplitLeg leg) =>
        leg.Subset.Count == 0 ? null : string.Join('-', leg.Subset.OrderBy(l => l.Key, StringComparer.Ordinal).Select(l => $"{l.Key}-{l.Value}"));

    /// <summary>Istio's name of the algorithm, or null for consistent hashing, which has a shape of its own.</summary>
    public static string? SimpleBalancer(EdgeModel edge) => (edge.Policies.LoadBalancing ?? MeshDefaults.LoadBalancing).Algorithm switch
    {
        LoadBalancingAlgorithm.RoundRobin => "ROUND_ROBIN",
        LoadBalancingAlgorithm.Random => "RANDOM",
        LoadBalancingAlgorithm.ConsistentHash => null,
        _ => "LEAST_REQUEST",
    };

    private static JsonObject TrafficPolicyOf(RenderSession session, EdgeModel edge, bool atWaypoint)
    {
        var policies = edge.Policies;
        var http = PolicyItems.ProtocolOf(session.Model, edge) == AppProtocol.Http;
        var retry = policies.Retry ?? MeshDefaults.Retry;
        return Map(
            ("loadBalancer", BalancerOf(policies.LoadBalancing ?? MeshDefaults.LoadBalancing, SimpleBalancer(edge))),
            ("connectionPool", PoolOf(policies, http)),
            ("outlierDetection", OutliersOf(policies.OutlierDetection ?? MeshDefaults.OutlierDetection)),
            ("retryBudget", http && retry.MaxRetries > 0 ? Map(("percent", retry.BudgetRatio * 100), ("minRetryConcurrency", retry.BudgetMinPerSecond)) : null),
            ("tls", atWaypoint ? null : session.Model.Mtls == MtlsMode.Disabled ? Map(("mode", "DISABLE")) : Map(("mode", "ISTIO_MUTUAL"))));
    }

    private static JsonObject BalancerOf(LoadBalancingPolicy policy, string? simple)
    {
        var warmup = policy.SlowStart > TimeSpan.Zero ? Map(("duration", Duration(policy.SlowStart))) : null;
        if (simple is not null) return Map(("simple", simple), ("warmup", warmup));
        var hash = policy.HashSource switch
        {
            HashSource.Header => Map(("httpHeaderName", policy.HashName)),
            HashSource.Cookie => Map(("httpCookie", Map(("name", policy.HashName), ("ttl", "0s")))),
            HashSource.Query => Map(("httpQueryParameterName", policy.HashName)),
            _ => Map(("useSourceIp", true)),
        };
        return Map(("consistentHash", hash), ("warmup", warmup));
    }

    private static JsonObject PoolOf(EdgePolicies policies, bool http)
    {
        var timeouts = policies.Timeouts ?? MeshDefaults.Timeouts;
        var limits = policies.Limits;
        var tcp = Map(
            ("maxConnections", limits?.MaxConnections > 0 ? limits.MaxConnections : null),
            ("connectTimeout", timeouts.Connect > TimeSpan.Zero ? Duration(timeouts.Connect) : null),
            ("idleTimeout", !http && timeouts.Idle > TimeSpan.Zero ? Duration(timeouts.Idle) : null));
        var requests = http
            ? Map(
                ("http1MaxPendingRequests", limits?.MaxPendingRequests > 0 ? limits.MaxPendingRequests : null),
                ("http2MaxRequests", limits?.MaxConcurrentRequests > 0 ? limits.MaxConcurrentRequests : null),
                ("idleTimeout", timeouts.Idle > TimeSpan.Zero ? Duration(timeouts.Idle) : null))
            : null;
        return Map(("tcp", tcp), ("http", requests?.OrNull()));
    }

    private static JsonObject OutliersOf(OutlierDetectionPolicy policy) => Map(
        ("consecutive5xxErrors", policy.Consecutive5xx),
        ("consecutiveGatewayErrors", policy.ConsecutiveGatewayErrors),
        ("splitExternalLocalOriginErrors", policy.ConsecutiveLocalFailures > 0),
        ("consecutiveLocalOriginFailures", policy.ConsecutiveLocalFailures > 0 ? policy.ConsecutiveLocalFailures : null),
        ("interval", Duration(policy.Interval)),
        ("baseEjectionTime", Duration(policy.BaseEjection)),
        ("maxEjectionPercent", (int)Math.Round(policy.MaxEjectedPercent)),
        ("minHealthPercent", (int)Math.Round(policy.PanicThresholdPercent)));
}
