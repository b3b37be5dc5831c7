using System.Collections.Immutable;
using AspireMesh.Host.Registry;
using AspireMesh.Host.Running;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;
using AspireMesh.Protocol.Snapshot;

namespace AspireMesh.Host.Policy;

/// <summary>What one sidecar's app may reach: listeners with routes, gateways, and the clusters they lead to.</summary>
internal sealed class OutboundCompiler(CompileInput input, WorkloadModel workload, SidecarModel sidecar)
{
    /// <summary>The route of requests that match no other.</summary>
    public const string DefaultRoute = "default";

    private static readonly ImmutableDictionary<string, string> NoSubset = ImmutableDictionary<string, string>.Empty;

    private readonly ModelIndex _index = input.Index;
    private readonly ClusterCompiler _clusters = new(input, workload);

    public ImmutableArray<OutboundListener> Listeners() =>
        [.. _index.EdgesFrom(workload.Name).Where(e => e.Listen.ContainsKey(sidecar.Instance)).Select(Listener)];

    public ImmutableArray<GatewayListener> Gateways() => [.. _index.GatewaysOn(workload.Name).Select(Gateway)];

    /// <summary>The forward proxy, with the external services that the workload refers to; null where egress is not watched.</summary>
    public EgressListener? Egress()
    {
        if (sidecar.Egress is not { } listen || _index.Model.UndeclaredEgress == EgressMode.Unwatched) return null;
        var declared = _index.EdgesFrom(workload.Name).Select(e => (Edge: e, External: _index.External(e.To))).Where(d => d.External is not null);
        return new EgressListener
        {
            Listen = listen,
            TakesFrom = CallersAt(listen),
            Mode = _index.Model.UndeclaredEgress,
            Destinations =
            [
                .. declared.Select(d => new EgressDestination
                {
                    Host = d.External!.Host,
                    Port = d.External.Port,
                    Listener = NameOf(d.Edge),
                    Tls = d.External.Tls,
                    Cluster = _clusters.Add(d.Edge.To, d.Edge.Endpoint, NoSubset, d.Edge.Policies, opaque: true),
                }),
            ],
        };
    }

    /// <summary>The clusters that the listeners compiled so far lead to, by name.</summary>
    public ImmutableArray<ClusterSnapshot> Clusters() => _clusters.ToImmutable();

    private OutboundListener Listener(EdgeModel edge)
    {
        var policies = edge.Policies;
        var protocol = _clusters.ProtocolOf(edge.To, edge.Endpoint);
        return new OutboundListener
        {
            Name = NameOf(edge),
            Listen = edge.Listen[sidecar.Instance],
            TakesFrom = CallersAt(edge.Listen[sidecar.Instance]),
            Addresses = workload.Intercept is null ? [] : edge.Addresses,
            Protocol = protocol,
            Destination = edge.To,
            Endpoint = edge.Endpoint,
            Routes = protocol == AppProtocol.Http ? Routes(edge) : [],
            Cluster = protocol == AppProtocol.Tcp && policies.TlsRoutes.IsEmpty ? _clusters.Add(edge.To, edge.Endpoint, NoSubset, policies) : null,
            TlsRoutes = [.. policies.TlsRoutes.Select(r => TlsRoute(r, edge.To, edge.Endpoint, policies))],
            Limits = policies.Limits,
            Timeouts = policies.Timeouts ?? (protocol == AppProtocol.Tcp ? MeshDefaults.OpaqueTimeouts : MeshDefaults.Timeouts),
        };
    }

    /// <summary>Everybody where only the app's machine reaches the listener, else the app's own addresses.</summary>
    private ImmutableArray<string>? CallersAt(string listen) => HostPort.TryParse(listen, out var at) && at.IsLoopback ? null : input.CallerAddresses.GetValueOrDefault(sidecar.Instance, []);

    private static string NameOf(EdgeModel edge) => $"{edge.To}.{edge.Endpoint}";

    private TlsRouteSnapshot TlsRoute(TlsRoute route, string to, string endpoint, EdgePolicies policies)
    {
        var legs = route.Split.IsEmpty ? [new TrafficSplitLeg { Weight = 1 }] : route.Split;
        return new TlsRouteSnapshot
        {
            Name = route.Name,
            ServerNames = route.ServerNames,
            Clusters = [.. legs.Select(l => new ClusterWeight(_clusters.Add(l.Workload ?? to, l.Endpoint ?? endpoint, l.Subset, policies, opaque: true), l.Weight))],
        };
    }

    private ImmutableArray<RouteSnapshot> Routes(EdgeModel edge)
    {
        var routes = ImmutableArray.CreateBuilder<RouteSnapshot>();
        foreach (var route in edge.Policies.Routes)
        {
            if (MatchesFor(route) is not { } matches) continue;
            routes.Add(Route(edge, route, matches));
            // What stands behind a route that takes everything could never be reached.
            if (matches.IsEmpty) return routes.ToImmutable();
        }
        routes.Add(Route(edge, new RoutePolicy { Name = DefaultRoute }, []));
        return routes.ToImmutable();
    }

    // A route may name callers where several share a policy; a sidecar has one caller, so that part is settled here. Null: the route is not about this one.
    private ImmutableArray<RouteMatch>? MatchesFor(RoutePolicy route)
    {
        if (route.Matches.IsEmpty) return [];
        var mine = route.Matches.Where(m => m.Callers.IsEmpty || m.Callers.Contains(workload.Name)).Select(m => m with { Callers = [] }).ToImmutableArray();
        return mine.IsEmpty ? null : mine;
    }

    private RouteSnapshot Route(EdgeModel edge, RoutePolicy route, ImmutableArray<RouteMatch> matches)
    {
        var policies = edge.Policies;
        var mirror = route.Redirect is null ? route.Mirror ?? policies.Mirror : null;
        var hedging = route.Hedging ?? policies.Hedging;
        return new RouteSnapshot
        {
            Name = route.Name,
            Matches = matches,
            Clusters = route.Redirect is null ? Legs(edge, route) : [],
            Redirect = route.Redirect,
            Rewrite = route.Rewrite,
            RequestHeaders = route.RequestHeaders,
            ResponseHeaders = route.ResponseHeaders,
            Cors = route.Cors,
            Mirror = mirror is null ? null : new MirrorTarget(_clusters.Add(mirror.Workload, mirror.Endpoint, NoSubset, policies), mirror.Percent),
            Timeouts = route.Timeouts ?? policies.Timeouts ?? MeshDefaults.Timeouts,
            Retry = route.Retry ?? policies.Retry ?? MeshDefaults.Retry,
            Hedging = hedging,
        };
    }

    private ImmutableArray<ClusterWeight> Legs(EdgeModel edge, RoutePolicy route)
    {
        if (route.Split.IsEmpty) return [new ClusterWeight(_clusters.Add(edge.To, edge.Endpoint, NoSubset, edge.Policies), 1)];
        return [.. route.Split.Select(l => new ClusterWeight(_clusters.Add(l.Workload ?? edge.To, l.Endpoint ?? edge.Endpoint, l.Subset, edge.Policies), l.Weight) { RequestHeaders = l.RequestHeaders })];
    }

    private GatewayListener Gateway(GatewayModel gateway)
    {
        if (gateway.TlsRoutes.Length > 0)
        {
            return new GatewayListener { Name = gateway.Name, Listen = gateway.Listen, TlsRoutes = [.. gateway.TlsRoutes.Select(r => TlsRoute(r, gateway.Workload, gateway.Endpoint, new EdgePolicies()))] };
        }
        var routes = gateway.Routes.Select((r, i) => GatewayRoute($"{gateway.Name}-{i}", [r.Match], r.Workload, r.Endpoint)).ToImmutableArray();
        return new GatewayListener
        {
            Name = gateway.Name,
            Listen = gateway.Listen,
            CertificatePem = gateway.CertificatePem,
            Routes = routes.Add(GatewayRoute(DefaultRoute, [], gateway.Workload, gateway.Endpoint)),
            Jwt = gateway.Jwt,
            RateLimits = gateway.RateLimits,
        };
    }

    private RouteSnapshot GatewayRoute(string name, ImmutableArray<RouteMatch> matches, string to, string endpoint)
    {
        var policies = _index.EdgesFrom(workload.Name).FirstOrDefault(e => e.To == to && e.Endpoint == endpoint)?.Policies ?? new EdgePolicies();
        return new RouteSnapshot
        {
            Name = name,
            Matches = matches,
            Clusters = [new ClusterWeight(_clusters.Add(to, endpoint, NoSubset, policies), 1)],
            Timeouts = policies.Timeouts ?? MeshDefaults.Timeouts,
            Retry = policies.Retry ?? MeshDefaults.Retry,
            Hedging = policies.Hedging,
        };
    }
}
