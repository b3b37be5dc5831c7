using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;

namespace AspireMesh.Hosting.Kubernetes.Rendering;

/// <summary>Lists every policy of a mesh, defaults included: an edge without retries of its own has the mesh's default ones, and losing those is a loss too.</summary>
internal static class PolicyItems
{
    public static IEnumerable<PolicyItem> Of(MeshModel model)
    {
        yield return new(PolicyKind.Mtls, "mesh", model.Mtls.ToString());
        if (model.UndeclaredEgress == EgressMode.Refuse) yield return new(PolicyKind.EgressControl, "mesh");
        foreach (var workload in model.Workloads)
        {
            foreach (var item in OfWorkload(model, workload)) yield return item;
        }
        foreach (var edge in model.Edges)
        {
            foreach (var item in OfEdge(model, edge)) yield return item;
        }
        foreach (var gateway in model.Gateways)
        {
            if (gateway.TlsRoutes.IsEmpty) yield return new(PolicyKind.Gateway, gateway.Workload, gateway.Name) { Gateway = gateway };
            foreach (var route in gateway.TlsRoutes) yield return new(PolicyKind.TlsRoute, gateway.Workload, $"{gateway.Name}, {route.Name}") { Gateway = gateway };
        }
        foreach (var external in model.ExternalServices) yield return new(PolicyKind.ExternalService, external.Name) { External = external };
        foreach (var fault in model.Faults)
        {
            yield return new(PolicyKind.Fault, $"{fault.From ?? "any"} -> {fault.To ?? "any"}", $"{fault.Id} ({fault.Fault.Kind})") { Fault = fault };
        }
    }

    /// <summary>What the edge carries; an external service says so itself.</summary>
    public static AppProtocol ProtocolOf(MeshModel model, EdgeModel edge) =>
        model.Workloads.FirstOrDefault(w => w.Name == edge.To)?.Endpoints.FirstOrDefault(e => e.Name == edge.Endpoint)?.Protocol
        ?? model.ExternalServices.FirstOrDefault(e => e.Name == edge.To)?.Protocol
        ?? AppProtocol.Http;

    private static IEnumerable<PolicyItem> OfWorkload(MeshModel model, WorkloadModel workload)
    {
        PolicyItem Item(PolicyKind kind, string detail = "") => new(kind, workload.Name, detail) { Workload = workload };

        if (workload.Endpoints.Length > 0) yield return Item(PolicyKind.AllowList, string.Join(", ", Callers(model, workload.Name)));
        var inbound = workload.Inbound;
        foreach (var rule in inbound.Authorization) yield return Item(PolicyKind.AuthorizationRule, rule.Name) with { Rule = rule };
        if (inbound.AuditOnly) yield return Item(PolicyKind.AuditOnly);
        if (inbound.Jwt is not null) yield return Item(PolicyKind.Jwt, inbound.Jwt.Issuer);
        foreach (var limit in inbound.RateLimits) yield return Item(PolicyKind.RateLimit, limit.Name);
        if (inbound.LoadShedding is not null) yield return Item(PolicyKind.LoadShedding);
        if (inbound.IdentityHeader) yield return Item(PolicyKind.IdentityHeader);
    }

    /// <summary>The workloads with a reference to <paramref name="workload"/>, sorted.</summary>
    public static IEnumerable<string> Callers(MeshModel model, string workload) =>
        model.Edges.Where(e => e.To == workload).Select(e => e.From).Distinct().Order(StringComparer.Ordinal);

    /// <summary>Where an edge's requests may end: its callee, the legs of its splits and its mirrors.</summary>
    public static IEnumerable<string> Reached(EdgeModel edge) =>
        edge.Policies.Routes.SelectMany(r => r.Split.Select(l => l.Workload).Append(r.Mirror?.Workload)).Append(edge.Policies.Mirror?.Workload).OfType<string>().Prepend(edge.To).Distinct();

    private static IEnumerable<PolicyItem> OfEdge(MeshModel model, EdgeModel edge)
    {
        var subject = $"{edge.From} -> {edge.To}.{edge.Endpoint}";
        PolicyItem Item(PolicyKind kind, string detail = "") => new(kind, subject, detail) { Edge = edge };

        var policies = edge.Policies;
        var timeouts = policies.Timeouts ?? MeshDefaults.Timeouts;
        yield return Item(PolicyKind.LoadBalancing, (policies.LoadBalancing ?? MeshDefaults.LoadBalancing).Algorithm.ToString());
        if (timeouts.Idle > TimeSpan.Zero) yield return Item(PolicyKind.IdleTimeout);
        if (policies.HealthCheck is not null) yield return Item(PolicyKind.HealthCheck, policies.HealthCheck.Kind.ToString());
        yield return Item(PolicyKind.OutlierDetection);
        if (policies.CircuitBreaker is not null) yield return Item(PolicyKind.CircuitBreaker);
        if (policies.Limits is not null) yield return Item(PolicyKind.Limits);
        foreach (var route in policies.TlsRoutes) yield return Item(PolicyKind.TlsRoute, route.Name);
        if (ProtocolOf(model, edge) == AppProtocol.Tcp) yield break;

        if (timeouts.Request > TimeSpan.Zero) yield return Item(PolicyKind.RequestTimeout);
        if (timeouts.PerTry > TimeSpan.Zero) yield return Item(PolicyKind.PerTryTimeout);
        if ((policies.Retry ?? MeshDefaults.Retry).MaxRetries > 0)
        {
            yield return Item(PolicyKind.Retry);
            yield return Item(PolicyKind.RetryBudget);
        }
        if (policies.Hedging is not null) yield return Item(PolicyKind.Hedging);
        if (policies.Mirror is not null) yield return Item(PolicyKind.Mirror, policies.Mirror.Workload);
        foreach (var route in policies.Routes)
        {
            foreach (var item in OfRoute(Item, route)) yield return item;
        }
    }

    private static IEnumerable<PolicyItem> OfRoute(Func<PolicyKind, string, PolicyItem> item, RoutePolicy route)
    {
        PolicyItem Of(PolicyKind kind) => item(kind, route.Name) with { Route = route };

        yield return Of(PolicyKind.Route);
        if (route.Split.Length > 0) yield return Of(PolicyKind.TrafficSplit);
        if (route.Redirect is not null) yield return Of(PolicyKind.Redirect);
        if (route.Rewrite is not null) yield return Of(PolicyKind.Rewrite);
        if (route.RequestHeaders is not null || route.ResponseHeaders is not null) yield return Of(PolicyKind.HeaderEdits);
        if (route.Split.Any(l => l.RequestHeaders is not null)) yield return Of(PolicyKind.LegHeaderEdits);
        if (route.Cors is not null) yield return Of(PolicyKind.Cors);
        if (route.Mirror is not null) yield return Of(PolicyKind.Mirror);
        if (route.Timeouts is not null) yield return Of(PolicyKind.RequestTimeout);
        if (route.Retry is not null) yield return Of(PolicyKind.Retry);
        if (route.Hedging is not null) yield return Of(PolicyKind.Hedging);
    }
}
