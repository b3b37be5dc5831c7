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
        problems.Defined("Snapshot", "Mtls", snapshot.Mtls);
        problems.Range("Snapshot", "DrainTime", snapshot.DrainTime, TimeSpan.Zero, TimeSpan.FromHours(1));
        foreach (var endpoint in snapshot.Inbound.Endpoints) Check(endpoint, problems);
        foreach (var listener in snapshot.Outbound)
        {
            var subject = $"Outbound listener '{listener.Name}'";
            problems.Defined(subject, "Protocol", listener.Protocol);
            EdgePolicyChecks.Check(listener.Timeouts, subject, problems);
            EdgePolicyChecks.Check(listener.Limits, subject, problems);
            foreach (var route in listener.Routes) Check(route, $"{subject}, route '{route.Name}'", problems);
            Check(listener.TlsRoutes, subject, problems);
        }
        if (snapshot.Egress is { } egress)
        {
            problems.Defined("Egress", "Mode", egress.Mode);
            foreach (var destination in egress.Destinations) problems.Range("Egress", $"The port of '{destination.Host}'", destination.Port, 1, 65535);
        }
        foreach (var gateway in snapshot.Gateways)
        {
            var subject = $"Gateway '{gateway.Name}'";
            InboundPolicyChecks.Check(gateway.Jwt, subject, problems);
            InboundPolicyChecks.Check(gateway.RateLimits, subject, problems);
            foreach (var route in gateway.Routes) Check(route, $"{subject}, route '{route.Name}'", problems);
            Check(gateway.TlsRoutes, subject, problems);
        }
        foreach (var cluster in snapshot.Clusters) Check(cluster, problems);
        foreach (var fault in snapshot.Faults) FaultChecks.Check(fault, problems);
        return problems.ToImmutable();
    }

    private static void Check(InboundEndpoint endpoint, ProblemList problems)
    {
        var subject = $"Inbound endpoint '{endpoint.Name}'";
        problems.Defined(subject, "Protocol", endpoint.Protocol);
        InboundPolicyChecks.Check(endpoint.Jwt, subject, problems);
        InboundPolicyChecks.Check(endpoint.RateLimits, subject, problems);
        InboundPolicyChecks.Check(endpoint.LoadShedding, subject, problems);
        InboundPolicyChecks.Check(endpoint.Authorization, endpoint.Jwt is not null, subject, problems);
    }

    private static void Check(IEnumerable<TlsRouteSnapshot> routes, string subject, ProblemList problems)
    {
        foreach (var route in routes) RouteChecks.CheckTls(route.Name, route.ServerNames, [.. route.Clusters.Select(c => c.Weight)], subject, problems);
    }

    private static void Check(RouteSnapshot route, string subject, ProblemList problems)
    {
        RouteChecks.Check(route.Matches, subject, problems);
        RouteChecks.CheckActions(route.Redirect, route.Rewrite, route.Cors, subject, problems);
        RouteChecks.Check(route.RequestHeaders, subject, problems);
        RouteChecks.Check(route.ResponseHeaders, subject, problems);
        foreach (var leg in route.Clusters) RouteChecks.Check(leg.RequestHeaders, $"{subject}, leg '{leg.Cluster}'", problems);
        RouteChecks.CheckForwarding(route.Timeouts, route.Retry, route.Hedging, route.Mirror?.Percent, [.. route.Clusters.Select(c => c.Weight)], subject, problems);
        if (route.Clusters.IsEmpty && route.Redirect is null) problems.Add(MeshDiagnostics.SplitWithoutWeight, $"{subject}: it leads to no cluster. Give it one, or a redirect.");
    }

    private static void Check(ClusterSnapshot cluster, ProblemList problems)
    {
        var subject = $"Cluster '{cluster.Name}'";
        problems.Defined(subject, "Kind", cluster.Kind);
        foreach (var destination in cluster.Destinations) problems.Range(subject, $"The weight of '{destination.Name}'", destination.Weight, 0, 1_000_000);
        EdgePolicyChecks.Check(cluster.LoadBalancing, subject, problems);
        EdgePolicyChecks.Check(cluster.HealthCheck, subject, problems);
        EdgePolicyChecks.Check(cluster.OutlierDetection, subject, problems);
        EdgePolicyChecks.Check(cluster.CircuitBreaker, subject, problems);
    }
}
