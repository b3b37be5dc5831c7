using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Outbound.LoadBalancing;
using AspireMesh.Proxy.Sockets;

namespace AspireMesh.Proxy.Outbound.Forwarding;

/// <summary>
/// The Host header a destination hears. Inside the mesh it is the caller's: redirects and links the app makes from it lead back to the caller's listener.
/// Outside the mesh servers choose by it, and the listener's address means nothing to them.
/// </summary>
internal static class HostName
{
    /// <returns>What to send; null to leave the caller's.</returns>
    public static string? For(OutboundRequest request, Destination destination)
    {
        var cluster = request.Cluster.Snapshot;
        if (request.Route.Snapshot.Rewrite?.Host is not null) return null;
        if (cluster.ServerName is not { } name) return request.Context.Request.Host.HasValue ? null : cluster.Workload;
        var standard = cluster.Kind == ClusterKind.Tls ? 443 : 80;
        return HostPort.TryParse(destination.Snapshot.Address, out _, out var port) && port != standard ? $"{name}:{port}" : name;
    }
}
