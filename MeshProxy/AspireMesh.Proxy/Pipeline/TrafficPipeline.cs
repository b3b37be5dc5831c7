using System.Collections.Frozen;
using AspireMesh.Protocol.Faults;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Egress;
using AspireMesh.Proxy.Faults;
using AspireMesh.Proxy.Faults.Handshakes;
using AspireMesh.Proxy.Gateway;
using AspireMesh.Proxy.Http;
using AspireMesh.Proxy.Inbound.Authentication;
using AspireMesh.Proxy.Inbound.Forwarding;
using AspireMesh.Proxy.Outbound;
using AspireMesh.Proxy.Outbound.Forwarding;
using AspireMesh.Proxy.Outbound.HealthChecks;
using AspireMesh.Proxy.Outbound.LoadBalancing;
using AspireMesh.Proxy.Outbound.Limits;
using AspireMesh.Proxy.Outbound.Mirroring;
using AspireMesh.Proxy.Outbound.Routing;
using AspireMesh.Proxy.Passthrough;
using AspireMesh.Proxy.Runtime;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Yarp.ReverseProxy.Forwarder;

namespace AspireMesh.Proxy.Pipeline;

/// <summary>Compiles every snapshot's rules and sends each request down the way it came in on: out, in, or through a gateway.</summary>
internal sealed class TrafficPipeline : IHttpPipeline
{
    private readonly PipelineServices _services;
    private readonly ServiceProvider _yarp;
    private readonly DestinationClients _clients;
    private readonly ClusterServices _clusterServices;
    private readonly FaultServices _faultServices;
    private readonly RouteHandler _routes;
    private readonly InboundHandler _inbound;
    private readonly GatewayHandler _gateway;
    private readonly EgressHandler _egress;
    private readonly SocketsHttpHandler _keysHandler = new() { PooledConnectionLifetime = TimeSpan.FromMinutes(1) };
    private readonly HttpMessageInvoker _keys;
    private readonly HealthProber _prober;

    public TrafficPipeline(PipelineServices services)
    {
        _services = services;
        var chance = new Chance(services.Seed);
        // YARP's forwarder is made by its own container; its log says less than our events do.
        _yarp = new ServiceCollection().AddLogging().AddHttpForwarder().BuildServiceProvider();
        var forwarder = _yarp.GetRequiredService<IHttpForwarder>();
        _clients = new DestinationClients(services.Dialer, services.Time);
        _clusterServices = new ClusterServices(services.Time, chance, services.Events);
        _faultServices = new FaultServices(services.Time, (rule, edge) => services.Events.FaultFired(rule, edge), services.Events.FaultCounted, services.Renew, services.Drain);
        var mirror = new Mirror(services.Time, chance, services.Events, _clients);
        _routes = new RouteHandler(new OutboundServices(services.Time, chance, services.Events, forwarder, _clients, mirror, new LoopGuard(services.Bootstrap.Workload)) { Stopping = services.Stopping });
        _inbound = new InboundHandler(services.Time, services.Events, forwarder);
        _gateway = new GatewayHandler(_routes, services.Events, services.Time);
        _egress = new EgressHandler(_routes, new EgressGate(services.Events), _clusterServices, services.Events);
        _keys = new HttpMessageInvoker(_keysHandler);
        _prober = new HealthProber(new Probes(_clients, services.Dialer), services.Time, services.Events);
    }

    public ITrafficRules Compile(MeshSnapshot snapshot, ITrafficRules? previous, List<string> errors)
    {
        var before = (TrafficRules?)previous;
        PolicyChecks.Check(snapshot, errors);
        if (errors.Count > 0) return before ?? Nothing(snapshot);
        var clusters = ClusterTable.Compile(snapshot, before?.Clusters ?? ClusterTable.Empty, _clusterServices);
        var legs = clusters.Clusters.ToFrozenDictionary(c => c.Snapshot.Name, c => new RouteLeg(c, FaultsTo(snapshot, c.Snapshot, before?.Legs.GetValueOrDefault(c.Snapshot.Name))), StringComparer.Ordinal);
        var rules = new TrafficRules
        {
            Snapshot = snapshot,
            Clusters = clusters,
            Legs = legs,
            Tls = TlsRoutes(snapshot),
            Chance = _clusterServices.Chance,
            Control = EdgeFaults.OfControl(snapshot.Faults, snapshot.Workload, before?.Control, _faultServices),
            Handshakes = HandshakeFaults.Compile(snapshot, before?.Handshakes, _faultServices),
            Outbound = snapshot.Outbound.ToFrozenDictionary(l => l.Name, l => Compile(l, snapshot, before?.Outbound.GetValueOrDefault(l.Name), legs), StringComparer.Ordinal),
            Gateways = snapshot.Gateways.ToFrozenDictionary(g => g.Name, g => Compile(g, before?.Gateways.GetValueOrDefault(g.Name), legs), StringComparer.Ordinal),
            Inbound = snapshot.Inbound.Endpoints.ToFrozenDictionary(
                e => e.Name, e => InboundRules.Compile(e, snapshot, before?.Inbound.GetValueOrDefault(e.Name), _faultServices, _keys), StringComparer.Ordinal),
        };
        _clients.Keep(snapshot);
        _prober.Apply(clusters);
        return rules;
    }

    public Task HandleAsync(HttpContext context, HttpEntry entry, SidecarRuntime runtime)
    {
        var rules = (TrafficRules)runtime.Rules;
        switch (entry.Side)
        {
            case MeshSide.Outbound when rules.Outbound.TryGetValue(entry.Name, out var listener):
                return _routes.HandleAsync(context, listener);
            case MeshSide.Inbound when rules.Inbound.TryGetValue(entry.Name, out var endpoint):
                return _inbound.HandleAsync(context, entry, endpoint, rules.Snapshot.Workload);
            case MeshSide.Gateway when rules.Gateways.TryGetValue(entry.Name, out var gateway):
                return _gateway.HandleAsync(context, entry, gateway);
            case MeshSide.Egress:
                return _egress.HandleAsync(context, runtime, rules.Outbound, rules.UndeclaredHosts);
            default:
                // A kept connection outlived the listener it came in on.
                return new ErrorAnswer(404, ResponseFlags.NoRoute, $"'{entry.Name}' is no longer there.", "Type: aspiremesh routes").WriteAsync(context);
        }
    }

    public async ValueTask DisposeAsync()
    {
        _prober.Dispose();
        _clients.Dispose();
        _keys.Dispose();
        _keysHandler.Dispose();
        await _yarp.DisposeAsync();
    }

    private static FrozenDictionary<(MeshSide, string), ServerNameTable> TlsRoutes(MeshSnapshot snapshot) =>
        snapshot.Outbound.Where(l => l.TlsRoutes.Length > 0).Select(l => (MeshSide.Outbound, l.Name, l.TlsRoutes))
            .Concat(snapshot.Gateways.Where(g => g.TlsRoutes.Length > 0).Select(g => (MeshSide.Gateway, g.Name, g.TlsRoutes)))
            .ToFrozenDictionary(l => (l.Item1, l.Name), l => ServerNameTable.Compile(l.TlsRoutes));

    private EdgeFaults? FaultsTo(MeshSnapshot snapshot, ClusterSnapshot cluster, RouteLeg? before) =>
        EdgeFaults.Compile(snapshot.Faults, FaultSide.Outbound, new FaultEdge(snapshot.Workload, cluster.Workload, cluster.Endpoint), before?.Faults, _faultServices);

    private ListenerRules Compile(OutboundListener listener, MeshSnapshot snapshot, ListenerRules? previous, FrozenDictionary<string, RouteLeg> legs) => new(
        MeshSide.Outbound, new CallerIdentity(snapshot.Identity, snapshot.Workload), listener.Destination, listener.Endpoint,
        RouteTable.Compile(listener.Routes, previous?.Routes, legs.GetValueOrDefault, _services.Time),
        ConcurrencyGate.Compile(listener.Limits, previous?.Gate));

    private GatewayRules Compile(GatewayListener listener, GatewayRules? previous, FrozenDictionary<string, RouteLeg> legs) => new(
        listener,
        new ListenerRules(MeshSide.Gateway, CallerIdentity.Unknown, listener.Name, "", RouteTable.Compile(listener.Routes, previous?.Routes.Routes, legs.GetValueOrDefault, _services.Time), null),
        JwtValidator.Compile(listener.Jwt, previous?.Jwt, _services.Time, _keys),
        RateLimits.Compile(_services.Time, listener.RateLimits, previous?.RateLimits));

    private TrafficRules Nothing(MeshSnapshot snapshot) => new()
    {
        Tls = FrozenDictionary<(MeshSide, string), ServerNameTable>.Empty,
        Chance = _clusterServices.Chance,
        Snapshot = snapshot,
        Clusters = ClusterTable.Empty,
        Legs = FrozenDictionary<string, RouteLeg>.Empty,
        Handshakes = HandshakeFaults.None,
        Outbound = FrozenDictionary<string, ListenerRules>.Empty,
        Gateways = FrozenDictionary<string, GatewayRules>.Empty,
        Inbound = FrozenDictionary<string, InboundRules>.Empty,
    };
}
