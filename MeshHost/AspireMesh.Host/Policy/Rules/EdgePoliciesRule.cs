using System.Collections.Immutable;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;

namespace AspireMesh.Host.Policy.Rules;

/// <summary>Every value of the caller's policies lies in its range, and policies fit what the edge carries.</summary>
internal sealed class EdgePoliciesRule : IModelRule
{
    public void Check(MeshModel model, ProblemList problems)
    {
        foreach (var edge in model.Edges)
        {
            var subject = $"Edge '{edge.From}' → '{edge.To}.{edge.Endpoint}'";
            var policies = edge.Policies;
            EdgePolicyChecks.Check(policies.Timeouts, subject, problems);
            EdgePolicyChecks.Check(policies.Retry, subject, problems);
            EdgePolicyChecks.Check(policies.Hedging, subject, problems);
            EdgePolicyChecks.Check(policies.LoadBalancing, subject, problems);
            EdgePolicyChecks.Check(policies.HealthCheck, subject, problems);
            EdgePolicyChecks.Check(policies.OutlierDetection, subject, problems);
            EdgePolicyChecks.Check(policies.CircuitBreaker, subject, problems);
            EdgePolicyChecks.Check(policies.Limits, subject, problems);
            if (policies.Mirror is { } mirror) problems.Range(subject, "Mirror.Percent", mirror.Percent, 0, 100);
            foreach (var route in policies.Routes) CheckRoute(route, $"{subject}, route '{route.Name}'", problems);
            var protocol = Protocol(model, edge.To, edge.Endpoint);
            if (protocol == AppProtocol.Tcp) CheckOpaque(policies, subject, problems);
            else if (policies.TlsRoutes.Length > 0) problems.Add(MeshDiagnostics.PoliciesConflict, $"{subject} carries HTTP, which TlsRoutes cannot work on. Use Routes, or make the endpoint a tcp one.");
            CheckTls(model, policies.TlsRoutes, edge.To, edge.Endpoint, subject, problems);
        }
    }

    /// <summary>Names, weights, and opaque TCP behind them: what is not ended here must not be read there.</summary>
    public static void CheckTls(MeshModel model, ImmutableArray<TlsRoute> routes, string to, string endpoint, string subject, ProblemList problems)
    {
        foreach (var route in routes)
        {
            RouteChecks.CheckTls(route.Name, route.ServerNames, [.. route.Split.Select(l => l.Weight)], subject, problems);
            if (route.Split.Any(l => l.RequestHeaders is not null)) problems.Add(MeshDiagnostics.PoliciesConflict, $"{subject}, TLS route '{route.Name}': a leg edits request headers, which TLS hides. Leave the edits out.");
            foreach (var leg in route.Split)
            {
                var (workload, name) = (leg.Workload ?? to, leg.Endpoint ?? endpoint);
                if (model.ExternalServices.Any(e => e.Name == workload) || Protocol(model, workload, name) == AppProtocol.Tcp) continue;
                problems.Add(MeshDiagnostics.PoliciesConflict, $"{subject}, TLS route '{route.Name}' leads to '{workload}.{name}', which carries HTTP: TLS is passed through to opaque TCP. Make the endpoint a tcp one.");
            }
        }
        foreach (var twice in routes.SelectMany(r => r.ServerNames).GroupBy(n => n).Where(g => g.Count() > 1))
        {
            problems.Add(MeshDiagnostics.PoliciesConflict, $"{subject}: the server name '{twice.Key}' leads {twice.Count()} ways. Leave it in one TLS route; to share it out, give that route several legs.");
        }
    }

    private static void CheckRoute(RoutePolicy route, string subject, ProblemList problems)
    {
        RouteChecks.Check(route.Matches, subject, problems);
        RouteChecks.CheckActions(route.Redirect, route.Rewrite, route.Cors, subject, problems);
        RouteChecks.Check(route.RequestHeaders, subject, problems);
        RouteChecks.Check(route.ResponseHeaders, subject, problems);
        foreach (var leg in route.Split) RouteChecks.Check(leg.RequestHeaders, $"{subject}, leg '{leg.Workload ?? leg.Endpoint}'", problems);
        RouteChecks.CheckForwarding(route.Timeouts, route.Retry, route.Hedging, route.Mirror?.Percent, [.. route.Split.Select(l => l.Weight)], subject, problems);
        if (route.Split.Length > 0 && route.Redirect is not null)
        {
            problems.Add(MeshDiagnostics.PoliciesConflict, $"{subject}: a redirect and a traffic split exclude each other. Leave one out.");
        }
    }

    private static void CheckOpaque(EdgePolicies policies, string subject, ProblemList problems)
    {
        void Refuse(bool set, string name)
        {
            if (set) problems.Add(MeshDiagnostics.PoliciesConflict, $"{subject} carries opaque TCP, which {name} cannot work on. Leave it out, or make the endpoint an http one.");
        }
        Refuse(policies.Routes.Length > 0, "Routes");
        Refuse(policies.Retry is not null, "Retry");
        Refuse(policies.Hedging is not null, "Hedging");
        Refuse(policies.Mirror is not null, "Mirror");
        Refuse(policies.Limits is { MaxConcurrentRequests: > 0 } or { MaxPendingRequests: > 0 }, "MaxConcurrentRequests and MaxPendingRequests");
        Refuse(policies.HealthCheck is { Kind: not HealthCheckKind.Tcp }, "an HTTP or gRPC health check");
        Refuse(policies.LoadBalancing is { Algorithm: LoadBalancingAlgorithm.ConsistentHash, HashSource: not HashSource.Source }, "hashing of request parts");
    }

    private static AppProtocol Protocol(MeshModel model, string to, string endpoint) =>
        model.Workloads.FirstOrDefault(w => w.Name == to)?.Endpoints.FirstOrDefault(e => e.Name == endpoint)?.Protocol
        ?? model.ExternalServices.FirstOrDefault(e => e.Name == to)?.Protocol
        ?? AppProtocol.Http;
}
