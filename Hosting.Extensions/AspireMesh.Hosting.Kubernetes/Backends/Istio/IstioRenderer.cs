using AspireMesh.Hosting.Kubernetes.Rendering;
using static AspireMesh.Hosting.Kubernetes.Rendering.Tree;

namespace AspireMesh.Hosting.Kubernetes.Backends.Istio;

/// <summary>
/// Istio with sidecars: the reference back end, nearly everything has a word there (istio/api networking/v1, security/v1).
/// Policies of one edge are scoped to the caller: by <c>sourceLabels</c> in VirtualService and by <c>workloadSelector</c> in DestinationRule.
/// </summary>
internal class IstioRenderer : IMeshRenderer
{
    internal const string Networking = "networking.istio.io/v1";
    internal const string Security = "security.istio.io/v1";

    public virtual MeshBackend Backend => MeshBackend.Istio;

    public virtual void Render(RenderSession session)
    {
        Inject(session);
        IstioSecurity.Render(session);
        IstioRoutes.Render(session);
        IstioDestinations.Render(session);
        IstioEdges.Render(session);
        IstioTls.RenderGateways(session);
        foreach (var item in session.Items) Verdict(session, item);
    }

    /// <summary>Has the pods get the mesh's proxy. By pod, since Helm refuses a chart that holds its own release's namespace.</summary>
    protected virtual void Inject(RenderSession session)
    {
        session.MarkAll(MarkPlace.PodLabel, "sidecar.istio.io/inject", "true");
        Exclude(session);
    }

    /// <summary>Where our sidecars stay, Istio's leaves their ports alone: two proxies for one connection would each refuse the other's.</summary>
    protected static void Exclude(RenderSession session)
    {
        if (!session.KeepSidecars) return;
        session.MarkAll(MarkPlace.PodAnnotation, "traffic.sidecar.istio.io/excludeInboundPorts", SidecarPorts.Inbound);
        session.MarkAll(MarkPlace.PodAnnotation, "traffic.sidecar.istio.io/excludeOutboundPorts", SidecarPorts.Outbound);
    }

    /// <summary>The verdict on one policy.</summary>
    protected virtual void Verdict(RenderSession session, PolicyItem item)
    {
        switch (item.Kind)
        {
            case PolicyKind.Mtls: session.Rendered(item, "PeerAuthentication spec.mtls.mode"); break;
            case PolicyKind.AllowList: session.Rendered(item, "AuthorizationPolicy ALLOW by principal, over an empty one that refuses the rest"); break;
            case PolicyKind.AuthorizationRule: session.Rendered(item, "AuthorizationPolicy"); break;
            case PolicyKind.AuditOnly: session.Rendered(item, "AuthorizationPolicy with annotation istio.io/dry-run, beside one that lets everybody in"); break;
            case PolicyKind.Jwt: session.Rendered(item, "RequestAuthentication"); break;
            case PolicyKind.RateLimit: session.Missing(item, "Istio has rate limits only through EnvoyFilter (v1alpha3), which is tied to a proxy version"); break;
            case PolicyKind.LoadShedding: session.Missing(item, "Istio has no load shedding by latency"); break;
            case PolicyKind.IdentityHeader: session.Approximated(item, "the app gets x-forwarded-client-cert, whose URI field has the caller's SPIFFE ID"); break;
            case PolicyKind.RequestTimeout: session.Rendered(item, "VirtualService http[].timeout"); break;
            case PolicyKind.PerTryTimeout when !IstioRoutes.Repeats(item.Edge!): session.Missing(item, "VirtualService limits a single attempt only as part of retries, and none are written here"); break;
            case PolicyKind.PerTryTimeout: session.Rendered(item, "VirtualService retries.perTryTimeout"); break;
            case PolicyKind.IdleTimeout: session.Rendered(item, "DestinationRule connectionPool idleTimeout"); break;
            case PolicyKind.Retry when item.Route is null && !IstioRoutes.Repeats(item.Edge!): session.Missing(item, "Envoy decides by condition only, and every condition here would repeat a non-idempotent request"); break;
            case PolicyKind.Retry: session.Approximated(item, "VirtualService retries; Envoy decides by condition only, so retryOn leaves out what would repeat a non-idempotent request"); break;
            case PolicyKind.RetryBudget: session.Rendered(item, "DestinationRule retryBudget"); break;
            case PolicyKind.Hedging: session.Missing(item, "VirtualService has no hedging"); break;
            case PolicyKind.LoadBalancing: LoadBalancingVerdict(session, item); break;
            case PolicyKind.HealthCheck: session.Missing(item, "Istio's proxies do not probe; Kubernetes probes decide"); break;
            case PolicyKind.OutlierDetection: session.Rendered(item, "DestinationRule outlierDetection"); break;
            case PolicyKind.CircuitBreaker: session.Approximated(item, "DestinationRule outlierDetection ejects by consecutive errors, not by a ratio"); break;
            case PolicyKind.Limits: session.Rendered(item, "DestinationRule connectionPool"); break;
            case PolicyKind.Mirror: session.Rendered(item, "VirtualService mirrors"); break;
            case PolicyKind.Route: RouteVerdict(session, item); break;
            case PolicyKind.TrafficSplit: session.Rendered(item, "VirtualService route weights"); break;
            case PolicyKind.Redirect: session.Rendered(item, "VirtualService redirect"); break;
            case PolicyKind.Rewrite: session.Rendered(item, "VirtualService rewrite"); break;
            case PolicyKind.HeaderEdits: session.Rendered(item, "VirtualService headers"); break;
            case PolicyKind.Cors: session.Rendered(item, "VirtualService corsPolicy"); break;
            case PolicyKind.Gateway: IstioEdges.GatewayVerdict(session, item); break;
            case PolicyKind.ExternalService: session.Rendered(item, "ServiceEntry"); break;
            case PolicyKind.EgressControl: session.Rendered(item, "Sidecar outboundTrafficPolicy REGISTRY_ONLY"); break;
            case PolicyKind.LegHeaderEdits: session.Rendered(item, "VirtualService route[].headers"); break;
            case PolicyKind.TlsRoute: IstioTls.Verdict(session, item); break;
            case PolicyKind.Fault: FaultVerdict(session, item); break;
            default: throw new InvalidOperationException($"{item.Kind} is unknown to the Istio renderer");
        }
    }

    private static void LoadBalancingVerdict(RenderSession session, PolicyItem item)
    {
        if (IstioDestinations.SimpleBalancer(item.Edge!) is null || item.Detail is "RoundRobin" or "Random" or "LeastRequests")
        {
            session.Rendered(item, "DestinationRule loadBalancer");
        }
        else
        {
            session.Approximated(item, "LEAST_REQUEST instead of peak EWMA: Envoy counts outstanding requests and does not weigh their latency");
        }
    }

    private static void RouteVerdict(RenderSession session, PolicyItem item)
    {
        if (item.Route!.Matches.Any(m => m.Baggage.Length > 0))
        {
            session.Approximated(item, "VirtualService match; a baggage member is matched by a regular expression over the baggage header");
        }
        else
        {
            session.Rendered(item, "VirtualService match");
        }
    }

    private static void FaultVerdict(RenderSession session, PolicyItem item)
    {
        if (!session.Model.ChaosEnabled) session.Missing(item, "chaos is off");
        else if (IstioRoutes.FaultOf(item.Fault!) is null) session.Missing(item, $"VirtualService has no fault '{item.Fault!.Fault.Kind}' of this form");
        else if (!IstioRoutes.IsWritten(session, item.Fault!)) session.Missing(item, "a VirtualService has faults for HTTP routes only, one delay and one abort each");
        else session.Approximated(item, "VirtualService fault; without seed and end of time");
    }
}
