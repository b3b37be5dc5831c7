using System.Collections.Immutable;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Faults;
using AspireMesh.Protocol.Policies;

namespace AspireMesh.Protocol.Snapshot;

/// <summary>
/// Whether every policy value of a snapshot lies in its range. A sidecar asks before it applies one: a control plane that is newer, older or wrong must not
/// be able to bring in what the checks of the model would have refused.
/// </summary>
public static class SnapshotPolicyChecks
{
    /// <summary>Everything that is wrong; empty when nothing is.</summary>
    public static ImmutableArray<MeshProblem> Run(MeshSnapshot snapshot)
    {
        var problems = new ProblemList();
        problems.Range("Snapshot", "DrainTime", snapshot.DrainTime, TimeSpan.Zero, TimeSpan.FromHours(1));
        foreach (var endpoint in snapshot.Inbound.Endpoints) Check(endpoint, problems);
        foreach (var listener in snapshot.Outbound)
        {
            var subject = $"Outbound listener '{listener.Name}'";
            EdgePolicyChecks.Check(listener.Timeouts, subject, problems);
            EdgePolicyChecks.Check(listener.Limits, subject, problems);
            foreach (var route in listener.Routes) Check(route, $"{subject}, route '{route.Name}'", problems);
        }
        foreach (var gateway in snapshot.Gateways)
        {
            var subject = $"Gateway '{gateway.Name}'";
            InboundPolicyChecks.Check(gateway.Jwt, subject, problems);
            InboundPolicyChecks.Check(gateway.RateLimits, subject, problems);
            foreach (var route in gateway.Routes) Check(route, $"{subject}, route '{route.Name}'", problems);
        }
        foreach (var cluster in snapshot.Clusters) Check(cluster, problems);
        foreach (var fault in snapshot.Faults) FaultChecks.Check(fault, problems);
        return problems.ToImmutable();
    }

    private static void Check(InboundEndpoint endpoint, ProblemList problems)
    {
        var subject = $"Inbound endpoint '{endpoint.Name}'";
        InboundPolicyChecks.Check(endpoint.Jwt, subject, problems);
        InboundPolicyChecks.Check(endpoint.RateLimits, subject, problems);
        InboundPolicyChecks.Check(endpoint.LoadShedding, subject, problems);
        InboundPolicyChecks.Check(endpoint.Authorization, endpoint.Jwt is not null, subject, problems);
    }

    private static void Check(RouteSnapshot route, string subject, ProblemList problems)
    {
        RouteChecks.Check(route.Matches, subject, problems);
        RouteChecks.CheckActions(route.Redirect, route.Rewrite, route.Cors, subject, problems);
        RouteChecks.Check(route.RequestHeaders, subject, problems);
        RouteChecks.Check(route.ResponseHeaders, subject, problems);
        EdgePolicyChecks.Check(route.Timeouts, subject, problems);
        EdgePolicyChecks.Check(route.Retry, subject, problems);
        EdgePolicyChecks.Check(route.Hedging, subject, problems);
        if (route.Mirror is { } mirror) problems.Range(subject, "Mirror.Percent", mirror.Percent, 0, 100);
        foreach (var leg in route.Clusters) problems.Range(subject, "Split weight", leg.Weight, 0, 1_000_000);
        if (route.Clusters.Length > 0 && route.Clusters.All(c => c.Weight == 0))
        {
            problems.Add(MeshDiagnostics.SplitWithoutWeight, $"{subject}: all weights of the traffic split are 0. Give at least one leg a weight above 0.");
        }
    }

    private static void Check(ClusterSnapshot cluster, ProblemList problems)
    {
        var subject = $"Cluster '{cluster.Name}'";
        EdgePolicyChecks.Check(cluster.LoadBalancing, subject, problems);
        EdgePolicyChecks.Check(cluster.HealthCheck, subject, problems);
        EdgePolicyChecks.Check(cluster.OutlierDetection, subject, problems);
        EdgePolicyChecks.Check(cluster.CircuitBreaker, subject, problems);
    }
}
