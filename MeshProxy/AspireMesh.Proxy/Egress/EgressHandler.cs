using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Net;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Http;
using AspireMesh.Proxy.Outbound.Forwarding;
using AspireMesh.Proxy.Outbound.LoadBalancing;
using AspireMesh.Proxy.Outbound.Routing;
using AspireMesh.Proxy.Runtime;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace AspireMesh.Proxy.Egress;

/// <summary>
/// Requests to the forward proxy in absolute form (RFC 9112 section 3.2.2): a declared destination's go down its listener's routes, with every policy of the edge;
/// what is not declared is refused, or forwarded once and without any policy where egress is only audited.
/// </summary>
internal sealed class EgressHandler(RouteHandler routes, EgressGate gate, ClusterServices clusters, IMeshEvents events)
{
    public async Task HandleAsync(HttpContext context, SidecarRuntime runtime, FrozenDictionary<string, ListenerRules> listeners, UndeclaredHosts undeclared)
    {
        if (runtime.Egress is null || Target(context) is not { } target)
        {
            await AnswerAsync(context, runtime, new ErrorAnswer(
                400, ResponseFlags.CallerProtocolError, "This is the sidecar's forward proxy for calls out of the mesh: it takes http:// targets in absolute form, and CONNECT as the first request of a connection.",
                "Use HTTP_PROXY and HTTPS_PROXY as they are, or the address that the reference gives."));
            return;
        }
        var decision = await gate.DecideAsync(runtime, target.IdnHost, target.Port, context.RequestAborted);
        if (decision.Answer is { } answer) await AnswerAsync(context, runtime, answer);
        else if (decision.Declared is { } declared) await routes.HandleAsync(context, listeners[declared.Listener]);
        else if (undeclared.Find(target, decision.Address!, clusters, runtime.Snapshot) is { } rules) await routes.HandleAsync(context, rules);
        else await AnswerAsync(context, runtime, new ErrorAnswer(503, ResponseFlags.UpstreamOverflow, $"The audit of egress carries requests to {UndeclaredHosts.Most} undeclared destinations, and there are more.", "Declare those that are needed."));
    }

    private static Uri? Target(HttpContext context)
    {
        if (HttpMethods.IsConnect(context.Request.Method)) return null;
        var raw = context.Features.Get<IHttpRequestFeature>()!.RawTarget;
        return Uri.TryCreate(raw, UriKind.Absolute, out var uri) && uri.Scheme == Uri.UriSchemeHttp ? uri : null;
    }

    private async Task AnswerAsync(HttpContext context, SidecarRuntime runtime, ErrorAnswer answer)
    {
        var request = events.RequestStarted(new RequestStart(
            MeshSide.Outbound, runtime.Snapshot.Workload, EgressGate.Undeclared, "http", context.Request.Method, $"{context.Request.Host}{context.Request.Path.Value}", context.Request.Protocol,
            context.Request.Headers.TraceParent, context.Request.Headers.TraceState, clusters.Time.GetTimestamp()));
        request.Decided(new PolicyDecision(Telemetry.MeshNames.RefusalDecision, answer.Flag));
        await answer.WriteAsync(context);
        request.Ended(new RequestEnd(SnapshotApplier.EgressTarget.Name, null, context.Response.StatusCode, null, answer.Flag, 0, TimeSpan.Zero, answer.Reason));
    }
}

/// <summary>Rules for hosts that nobody declared, made as they are met; they live as long as a snapshot is in force.</summary>
internal sealed class UndeclaredHosts
{
    /// <summary>Each has connections of its own, and their names are the apps' to choose.</summary>
    public const int Most = 256;

    private readonly ConcurrentDictionary<(string Authority, IPAddress Address), ListenerRules> _rules = new();

    public ListenerRules? Find(Uri target, IPAddress address, ClusterServices services, MeshSnapshot snapshot)
    {
        var key = (target.Authority.ToLowerInvariant(), address);
        if (_rules.TryGetValue(key, out var rules)) return rules;
        return _rules.Count < Most ? _rules.GetOrAdd(key, Make(target, address, services, snapshot)) : null;
    }

    private static ListenerRules Make(Uri target, IPAddress address, ClusterServices services, MeshSnapshot snapshot)
    {
        var to = new IPEndPoint(address, target.Port).ToString();
        var cluster = new ClusterSnapshot
        {
            Name = EgressGate.Undeclared,
            Workload = EgressGate.Undeclared,
            Endpoint = "http",
            Kind = ClusterKind.Plain,
            ServerName = target.HostNameType == UriHostNameType.IPv6 ? target.Host : target.IdnHost,
            Destinations = [new DestinationSnapshot { Name = target.Authority, Address = to }],
        };
        var leg = new RouteLeg(ClusterTable.Compile(snapshot with { Clusters = [cluster] }, ClusterTable.Empty, services).Find(cluster.Name)!, null);
        var route = new RouteSnapshot { Name = SnapshotApplier.EgressTarget.Name, Clusters = [new ClusterWeight(cluster.Name, 1)], Timeouts = MeshDefaults.Timeouts };
        return new ListenerRules(
            MeshSide.Outbound, new CallerIdentity(snapshot.Identity, snapshot.Workload), EgressGate.Undeclared, "http", RouteTable.Compile([route], null, _ => leg, services.Time), null, ResponseFlags.UndeclaredEgress);
    }
}
