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
            if (Protocol(model, edge) == AppProtocol.Tcp) CheckOpaque(policies, subject, problems);
        }
    }

    private static void CheckRoute(RoutePolicy route, string subject, ProblemList problems)
    {
        RouteChecks.Check(route.Matches, subject, problems);
        RouteChecks.CheckActions(route.Redirect, route.Rewrite, route.Cors, subject, problems);
        RouteChecks.Check(route.RequestHeaders, subject, problems);
        RouteChecks.Check(route.ResponseHeaders, subject, problems);
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
        Refuse(policies.HealthCheck is { Kind: not HealthCheckKind.Tcp }, "an HTTP or gRPC health check");
        Refuse(policies.LoadBalancing is { Algorithm: LoadBalancingAlgorithm.ConsistentHash, HashSource: not HashSource.Source }, "hashing of request parts");
    }

    private static AppProtocol Protocol(MeshModel model, EdgeModel edge) =>
        model.Workloads.FirstOrDefault(w => w.Name == edge.To)?.Endpoints.FirstOrDefault(e => e.Name == edge.Endpoint)?.Protocol
        ?? model.ExternalServices.FirstOrDefault(e => e.Name == edge.To)?.Protocol
        ?? AppProtocol.Http;
}
