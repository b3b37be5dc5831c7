using System.Collections.Immutable;
using System.Net;
using AspireMesh.Protocol.Identity;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Interception;
using AspireMesh.Proxy.Sockets;
using AspireMesh.Proxy.Tls;

namespace AspireMesh.Proxy.Runtime;

/// <summary>
/// What a snapshot must hold before it is compiled: that it is ours, that names resolve and addresses can be used. Every problem is found, and each
/// names the place and what was there. What a policy's values may be is said once, in Protocol, for both planes.
/// </summary>
internal static class SnapshotChecks
{
    /// <summary>Features that a snapshot may require of this build.</summary>
    private static readonly HashSet<string> Known = new(StringComparer.Ordinal) { SnapshotFeatures.Tunnel, SnapshotFeatures.Egress, SnapshotFeatures.TlsRoutes, SnapshotFeatures.Interception };

    public static List<string> Check(MeshSnapshot snapshot, SidecarBootstrap bootstrap)
    {
        var errors = new List<string>();
        CheckIdentity(snapshot, bootstrap, errors);
        CheckInbound(snapshot.Inbound, errors);
        CheckListeners(snapshot, errors);
        CheckClusters(snapshot, errors);
        CheckTargets(snapshot, errors);
        errors.AddRange(SnapshotPolicyChecks.Run(snapshot).Select(p => p.ToString()));
        return errors;
    }

    private static void CheckIdentity(MeshSnapshot snapshot, SidecarBootstrap bootstrap, List<string> errors)
    {
        foreach (var feature in snapshot.Requires)
        {
            if (!Known.Contains(feature)) errors.Add($"the snapshot requires '{feature}', which this sidecar does not know: update the sidecar");
        }
        if (snapshot.Version <= 0) errors.Add($"the snapshot's version is {snapshot.Version}; versions start at 1");
        if (snapshot.Workload != bootstrap.Workload || snapshot.Instance != bootstrap.Instance)
        {
            errors.Add($"the snapshot is for '{snapshot.Workload}' ({snapshot.Instance}); this sidecar is '{bootstrap.Workload}' ({bootstrap.Instance})");
        }
        if (!SpiffeId.TryParse(snapshot.Identity, out var id, out var error)) errors.Add($"the identity cannot be used: {error}");
        else if (id.TrustDomain.Name != bootstrap.TrustDomain) errors.Add($"the identity '{id}' is not of the trust domain '{bootstrap.TrustDomain}'");
        foreach (var pem in snapshot.TrustBundle)
        {
            if (TrustBundle.Check(pem) is { } problem) errors.Add(problem);
        }
    }

    private static void CheckInbound(InboundSnapshot inbound, List<string> errors)
    {
        if (!HostPort.TryParseListen(inbound.Listen, out _)) errors.Add($"the inbound listener's address '{inbound.Listen}' is no host:port");
        AddDuplicates(inbound.Endpoints.Select(e => e.Name), "inbound endpoint", errors);
        foreach (var endpoint in inbound.Endpoints)
        {
            if (endpoint.App is not null && !HostPort.TryParse(endpoint.App, out _, out _)) errors.Add($"the inbound endpoint '{endpoint.Name}' has the app address '{endpoint.App}', which is no host:port");
        }
    }

    private static void CheckListeners(MeshSnapshot snapshot, List<string> errors)
    {
        AddDuplicates(snapshot.Outbound.Select(l => l.Name), "outbound listener", errors);
        AddDuplicates(snapshot.Gateways.Select(g => g.Name), "gateway", errors);
        foreach (var listener in snapshot.Outbound) CheckCallers($"outbound listener '{listener.Name}'", listener.Listen, listener.TakesFrom, errors);
        if (snapshot.Egress is { } egress) CheckCallers("egress listener", egress.Listen, egress.TakesFrom, errors);
        var taken = new Dictionary<IPEndPoint, string>();
        foreach (var listener in snapshot.Outbound)
        {
            foreach (var address in listener.Addresses.Where(a => !IPEndPoint.TryParse(a, out _))) errors.Add($"the outbound listener '{listener.Name}' is dialled at '{address}', which is no address and port");
        }
        foreach (var (name, listen) in Listens(snapshot))
        {
            if (!HostPort.TryParseListen(listen, out var endPoint)) errors.Add($"the listener '{name}' has the address '{listen}', which is no host:port");
            else if (endPoint.Port == 0) continue;
            else if (!taken.TryAdd(endPoint, name)) errors.Add($"the listeners '{taken[endPoint]}' and '{name}' both want {endPoint}");
        }
    }

    private static void CheckCallers(string listener, string listen, ImmutableArray<string>? takesFrom, List<string> errors)
    {
        if (takesFrom is { } from) errors.AddRange(from.Where(a => !IPAddress.TryParse(a, out _)).Select(a => $"the {listener} takes connections from '{a}', which is no IP address"));
        else if (HostPort.TryParseListen(listen, out var at) && !IPAddress.IsLoopback(at.Address)) errors.Add($"the {listener} has the address '{listen}', which others can reach, and does not say whose connections it takes");
    }

    private static void CheckClusters(MeshSnapshot snapshot, List<string> errors)
    {
        AddDuplicates(snapshot.Clusters.Select(c => c.Name), "cluster", errors);
        foreach (var cluster in snapshot.Clusters)
        {
            AddDuplicates(cluster.Destinations.Select(d => d.Name), $"destination of the cluster '{cluster.Name}'", errors);
            foreach (var destination in cluster.Destinations)
            {
                if (!HostPort.TryParse(destination.Address, out _, out _)) errors.Add($"the destination '{destination.Name}' of the cluster '{cluster.Name}' has the address '{destination.Address}', which is no host:port");
            }
            if (cluster.TrustedRoots is { } roots && TrustBundle.Check(roots) is { } bad) errors.Add($"the cluster '{cluster.Name}' has trusted roots that cannot be used: {bad}");
            // Without it any workload of the mesh could answer for this one.
            if (cluster.Kind == ClusterKind.Mesh && !SpiffeId.TryParse(cluster.ExpectedIdentity, out _, out var error)) errors.Add($"the cluster '{cluster.Name}' has no expected identity that can be used: {error}");
        }
    }

    private static void CheckTargets(MeshSnapshot snapshot, List<string> errors)
    {
        var clusters = snapshot.Clusters.Select(c => c.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var listener in snapshot.Outbound)
        {
            CheckTlsRoutes(listener.Name, listener.TlsRoutes, clusters, errors);
            if (listener.Protocol == Protocol.Model.AppProtocol.Tcp && listener.TlsRoutes.IsEmpty && (listener.Cluster is null || !clusters.Contains(listener.Cluster))) errors.Add($"the outbound listener '{listener.Name}' leads to the cluster '{listener.Cluster}', which the snapshot does not have");
            CheckRoutes(listener.Name, listener.Routes, clusters, errors);
        }
        if (snapshot.Egress is { } egress) CheckEgress(egress, snapshot, clusters, errors);
        foreach (var gateway in snapshot.Gateways)
        {
            CheckRoutes(gateway.Name, gateway.Routes, clusters, errors);
            CheckTlsRoutes(gateway.Name, gateway.TlsRoutes, clusters, errors);
            if (gateway.CertificatePem is not null && GatewayCertificate.Check(gateway.CertificatePem) is { } problem) errors.Add($"the gateway '{gateway.Name}' has a certificate that cannot be used: {problem}");
        }
    }

    private static void CheckEgress(EgressListener egress, MeshSnapshot snapshot, HashSet<string> clusters, List<string> errors)
    {
        foreach (var destination in egress.Destinations)
        {
            var name = $"{destination.Host}:{destination.Port}";
            if (!clusters.Contains(destination.Cluster)) errors.Add($"the egress destination '{name}' leads to the cluster '{destination.Cluster}', which the snapshot does not have");
            if (snapshot.Outbound.All(l => l.Name != destination.Listener)) errors.Add($"the egress destination '{name}' has the policies of the listener '{destination.Listener}', which the snapshot does not have");
        }
    }

    private static void CheckTlsRoutes(string listener, IEnumerable<TlsRouteSnapshot> routes, HashSet<string> clusters, List<string> errors)
    {
        foreach (var route in routes)
        {
            if (route.Clusters.IsEmpty) errors.Add($"the TLS route '{route.Name}' of '{listener}' leads to no cluster");
            foreach (var leg in route.Clusters.Where(l => !clusters.Contains(l.Cluster))) errors.Add($"the TLS route '{route.Name}' of '{listener}' leads to the cluster '{leg.Cluster}', which the snapshot does not have");
        }
    }

    private static void CheckRoutes(string listener, IEnumerable<RouteSnapshot> routes, HashSet<string> clusters, List<string> errors)
    {
        foreach (var route in routes)
        {
            foreach (var leg in route.Clusters)
            {
                if (!clusters.Contains(leg.Cluster)) errors.Add($"the route '{route.Name}' of '{listener}' leads to the cluster '{leg.Cluster}', which the snapshot does not have");
            }
            if (route.Mirror is { } mirror && !clusters.Contains(mirror.Cluster)) errors.Add($"the route '{route.Name}' of '{listener}' mirrors to the cluster '{mirror.Cluster}', which the snapshot does not have");
        }
    }

    private static IEnumerable<(string Name, string Listen)> Listens(MeshSnapshot snapshot) =>
        [("inbound", snapshot.Inbound.Listen), .. snapshot.Egress is { } egress ? [(SnapshotApplier.EgressTarget.Name, egress.Listen)] : Array.Empty<(string, string)>(), .. snapshot.Outbound.Select(l => (l.Name, l.Listen)), .. snapshot.Gateways.Select(g => (g.Name, g.Listen)), .. snapshot.Interception is { } interception ? [(InterceptedConnections.ListenerName, interception.Listen)] : Array.Empty<(string, string)>()];

    private static void AddDuplicates(IEnumerable<string> names, string what, List<string> errors)
    {
        foreach (var twice in names.GroupBy(n => n, StringComparer.Ordinal).Where(g => g.Count() > 1)) errors.Add($"the {what} '{twice.Key}' is there {twice.Count()} times");
    }
}
