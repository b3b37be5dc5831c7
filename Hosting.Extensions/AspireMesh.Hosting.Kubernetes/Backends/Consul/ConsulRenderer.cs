using System.Globalization;
using System.Text.Json.Nodes;
using AspireMesh.Hosting.Kubernetes.Rendering;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;
using static AspireMesh.Hosting.Kubernetes.Rendering.Tree;

namespace AspireMesh.Hosting.Kubernetes.Backends.Consul;

/// <summary>
/// Consul on Kubernetes (consul.hashicorp.com/v1alpha1). ServiceDefaults of the caller carries its limits per upstream; a router belongs to the callee and
/// so to all callers. Intentions do nothing unless the default is deny, hence the wildcard.
/// </summary>
internal sealed class ConsulRenderer : IMeshRenderer
{
    private const string Api = "consul.hashicorp.com/v1alpha1";

    public MeshBackend Backend => MeshBackend.Consul;

    public void Render(RenderSession session)
    {
        session.Notices.Add("Consul's transparent proxy has to be on (connectInject.transparentProxy.defaultEnabled): callers name the callee's Service, not a port on localhost.");
        foreach (var workload in session.Model.Workloads) Inject(session, workload);
        session.Add(new(Api, "Mesh", "mesh", session.Placement.Namespace, Map(("spec", Map(("tls", Map(("incoming", Map(("tlsMinVersion", "TLSv1_3"))))), ("allowEnablingPermissiveMutualTLS", session.Model.Mtls != MtlsMode.Strict))))));
        session.Add(new(Api, "ServiceIntentions", "deny-all", session.Placement.Namespace, Map(("spec", Map(("destination", Map(("name", "*"))), ("sources", List(Map(("name", "*"), ("action", "deny")))))))));
        foreach (var workload in session.Model.Workloads)
        {
            RenderDefaults(session, workload);
            if (workload.Endpoints.Length > 0) RenderIntentions(session, workload);
            ConsulRoutes.Render(session, workload);
        }
        foreach (var external in session.Model.ExternalServices) RenderExternal(session, external);
        foreach (var item in session.Items) Verdict(session, item);
    }

    internal static Manifest Entry(RenderSession session, string kind, string name, JsonObject spec) => new(Api, kind, name, session.Placement.Namespace, Map(("spec", spec)));

    /// <summary>The name in Consul: the ServiceAccount's, since with ACLs a proxy may register as nothing else.</summary>
    internal static string ServiceOf(RenderSession session, string workload) => session.Placement.Workloads[workload].ServiceAccount;

    /// <summary>Consul registers one port of a pod; an edge to another one passes it by.</summary>
    internal static bool IsRegistered(RenderSession session, EdgeModel edge) =>
        session.Model.Workloads.FirstOrDefault(w => w.Name == edge.To) is not { } workload || workload.Endpoints.FirstOrDefault()?.Name == edge.Endpoint;

    private static void Inject(RenderSession session, WorkloadModel workload)
    {
        void Mark(string key, string value) => session.Mark(workload.Name, MarkPlace.PodAnnotation, $"consul.hashicorp.com/{key}", value);
        string Port(string name, EndpointModel endpoint) => session.Placement.Workloads[name].Ports[endpoint.Name].ToString(CultureInfo.InvariantCulture);
        Mark("connect-inject", "true");
        Mark("connect-service", ServiceOf(session, workload.Name));
        if (workload.Endpoints.FirstOrDefault() is { } first) Mark("connect-service-port", Port(workload.Name, first));
        string[] past = [.. workload.Endpoints.Skip(1).Select(e => Port(workload.Name, e))];
        string[] called = [.. session.Model.Edges.Where(e => e.From == workload.Name && !IsRegistered(session, e)).Select(e => Port(e.To, session.Model.Workloads.First(w => w.Name == e.To).Endpoints.First(x => x.Name == e.Endpoint))).Distinct()];
        if (session.KeepSidecars) (past, called) = ([.. past, SidecarPorts.Inbound], [.. called, SidecarPorts.Outbound]);
        if (past.Length > 0) Mark("transparent-proxy-exclude-inbound-ports", string.Join(',', past));
        if (called.Length > 0) Mark("transparent-proxy-exclude-outbound-ports", string.Join(',', called));
        if (workload.Endpoints.Length > 1) session.Notices.Add($"Consul registers one port of a pod: of {workload.Name} that is {workload.Endpoints[0].Name}; {string.Join(", ", workload.Endpoints.Skip(1).Select(e => e.Name))} is left out of the mesh.");
    }

    private static void RenderDefaults(RenderSession session, WorkloadModel workload)
    {
        var overrides = new JsonArray();
        foreach (var edge in session.Model.Edges.Where(e => e.From == workload.Name && session.Placement.Workloads.ContainsKey(e.To) && IsRegistered(session, e)))
        {
            var outliers = edge.Policies.OutlierDetection ?? MeshDefaults.OutlierDetection;
            var limits = edge.Policies.Limits;
            overrides.Add(Map(
                ("name", ServiceOf(session, edge.To)),
                ("connectTimeoutMs", (int)(edge.Policies.Timeouts ?? MeshDefaults.Timeouts).Connect.TotalMilliseconds),
                ("limits", limits is null ? null : Map(
                    ("maxConnections", limits.MaxConnections > 0 ? limits.MaxConnections : null),
                    ("maxPendingRequests", limits.MaxPendingRequests > 0 ? limits.MaxPendingRequests : null),
                    ("maxConcurrentRequests", limits.MaxConcurrentRequests > 0 ? limits.MaxConcurrentRequests : null)).OrNull()),
                // Without a number Consul counts to five.
                ("passiveHealthCheck", outliers.Consecutive5xx == 0 ? null : Map(
                    ("interval", Duration(outliers.Interval)),
                    ("maxFailures", outliers.Consecutive5xx),
                    ("baseEjectionTime", Duration(outliers.BaseEjection)),
                    ("maxEjectionPercent", (int)Math.Round(outliers.MaxEjectedPercent))))));
        }
        var limit = workload.Inbound.RateLimits.FirstOrDefault(IsTaken);
        var first = workload.Endpoints.FirstOrDefault();
        var protocol = first is null ? "http" : first.Protocol == AppProtocol.Tcp ? "tcp" : session.Placement.Workloads[workload.Name].Http2.Contains(first.Name) ? "http2" : "http";
        session.Add(Entry(session, "ServiceDefaults", ServiceOf(session, workload.Name), Map(
            ("protocol", protocol),
            ("mutualTLSMode", session.Model.Mtls == MtlsMode.Strict ? "strict" : "permissive"),
            ("rateLimits", limit is null ? null : Map(("instanceLevel", Map(("requestsPerSecond", (int)Math.Ceiling(limit.PerSecond)), ("requestsMaxBurst", limit.Burst > 0 ? limit.Burst : null))))),
            ("upstreamConfig", overrides.Count == 0 ? null : Map(("overrides", overrides))))));
    }

    private static void RenderIntentions(RenderSession session, WorkloadModel workload)
    {
        var sources = List(session.Model.Edges.Where(e => e.To == workload.Name && IsRegistered(session, e)).Select(e => e.From).Distinct().Order(StringComparer.Ordinal).Select(c => Map(("name", ServiceOf(session, c)), ("action", "allow"))));
        foreach (var rule in workload.Inbound.Authorization.Where(IsTaken))
        {
            foreach (var caller in rule.Callers.Where(session.Placement.Workloads.ContainsKey))
            {
                var existing = sources.FirstOrDefault(s => s!["name"]!.GetValue<string>() == ServiceOf(session, caller));
                if (existing is not null) sources.Remove(existing);
                sources.Add(Map(("name", ServiceOf(session, caller)), ("action", rule.Action == AuthorizationAction.Deny ? "deny" : "allow")));
            }
        }
        // Consul refuses intentions without a source, and the wildcard denies everybody anyway.
        if (sources.Count > 0) session.Add(Entry(session, "ServiceIntentions", ServiceOf(session, workload.Name), Map(("destination", Map(("name", ServiceOf(session, workload.Name)))), ("sources", sources), ("jwt", workload.Inbound.Jwt is { Required: true } ? Map(("providers", List(Map(("name", $"{workload.Name}-jwt"))))) : null))));
        if (workload.Inbound.Jwt is not { } jwt) return;
        var keys = jwt.JwksUri is not null
            ? Map(("remote", Map(("uri", jwt.JwksUri), ("cacheDuration", Duration(jwt.Refresh)))))
            : Map(("local", Map(("jwks", Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(jwt.Jwks ?? "{}"))))));
        session.Add(Entry(session, "JWTProvider", $"{workload.Name}-jwt", Map(("issuer", jwt.Issuer), ("audiences", Texts(jwt.Audiences).OrNull()), ("jsonWebKeySet", keys), ("clockSkewSeconds", (int)jwt.ClockSkew.TotalSeconds))));
    }

    // A rule with requests would need permissions[] merged with the action of the same source, which Consul refuses; those rules are kept or refused.
    private static bool IsTaken(AuthorizationRule rule) =>
        rule.Callers.Length > 0 && rule.Requests.Length == 0 && rule.Claims.Length == 0 && rule.Endpoints.Length == 0 && rule.Action != AuthorizationAction.Audit;

    private static bool IsTaken(RateLimitPolicy limit) => limit.Key == RateLimitKey.None && limit.Matches.Length == 0;

    private static void RenderExternal(RenderSession session, ExternalServiceModel external)
    {
        session.Add(Entry(session, "ServiceDefaults", external.Name, Map(
            ("protocol", external.Protocol == AppProtocol.Tcp || external.Tls ? "tcp" : "http"),
            ("destination", Map(("addresses", Texts([external.Host])), ("port", external.Port))))));
        // The terminating gateway asks for an intention as a workload's proxy does, and the wildcard would deny the callers.
        var callers = session.Model.Edges.Where(e => e.To == external.Name).Select(e => e.From).Distinct().Order(StringComparer.Ordinal).Select(c => Map(("name", ServiceOf(session, c)), ("action", "allow"))).ToArray();
        if (callers.Length > 0) session.Add(Entry(session, "ServiceIntentions", external.Name, Map(("destination", Map(("name", external.Name))), ("sources", List(callers)))));
        session.Add(Entry(session, "TerminatingGateway", $"{external.Name}-egress", Map(("services", List(Map(("name", external.Name)))))));
    }

    private static void Verdict(RenderSession session, PolicyItem item)
    {
        if (item.Edge is { } edge && !IsRegistered(session, edge))
        {
            session.Missing(item, $"Consul registers one port of a pod, and {edge.Endpoint} is not the first of {edge.To}");
            return;
        }
        if (ConsulRoutes.TryVerdict(session, item)) return;
        switch (item.Kind)
        {
            case PolicyKind.Mtls when session.Model.Mtls == MtlsMode.Disabled: session.Approximated(item, "mutualTLSMode permissive: Consul's proxies always send mTLS"); break;
            case PolicyKind.Mtls: session.Rendered(item, "ServiceDefaults mutualTLSMode"); break;
            case PolicyKind.AllowList when item.Workload!.Endpoints.Length > 1: session.Approximated(item, $"ServiceIntentions for {item.Workload.Endpoints[0].Name} only: Consul registers one port of a pod, the others are open"); break;
            case PolicyKind.AllowList: session.Rendered(item, "ServiceIntentions, over a wildcard that denies the rest"); break;
            case PolicyKind.AuthorizationRule when IsTaken(item.Rule!) && item.Rule!.Callers.All(session.Placement.Workloads.ContainsKey): session.Rendered(item, "ServiceIntentions"); break;
            case PolicyKind.AuthorizationRule: session.Missing(item, "a rule on requests, claims or one endpoint does not go beside an action for the same source"); break;
            case PolicyKind.AuditOnly: session.Missing(item, "Consul can only check an intention (consul intention check), not shadow it"); break;
            case PolicyKind.Jwt when item.Workload!.Inbound.Jwt!.Required && !session.Model.Edges.Any(e => e.To == item.Workload.Name && IsRegistered(session, e)): session.Rendered(item, "JWTProvider; nobody is let in, so no intention asks for it"); break;
            case PolicyKind.Jwt when item.Workload!.Inbound.Jwt!.Required: session.Rendered(item, "JWTProvider, asked for by ServiceIntentions"); break;
            case PolicyKind.Jwt: session.Missing(item, "an intention asks every request for a token or none"); break;
            case PolicyKind.RateLimit when item.Workload!.Inbound.RateLimits.FirstOrDefault(IsTaken)?.Name == item.Detail: session.Rendered(item, "ServiceDefaults rateLimits.instanceLevel"); break;
            case PolicyKind.RateLimit: session.Missing(item, "instanceLevel limits have one bucket, not one per caller or header"); break;
            case PolicyKind.OutlierDetection when (item.Edge!.Policies.OutlierDetection ?? MeshDefaults.OutlierDetection).Consecutive5xx == 0: session.Missing(item, "passiveHealthCheck counts 5xx and connect failures together, and 5xx are not to count"); break;
            case PolicyKind.OutlierDetection: session.Approximated(item, "upstreamConfig passiveHealthCheck counts 5xx and connect failures together"); break;
            case PolicyKind.Limits: session.Rendered(item, "upstreamConfig limits"); break;
            case PolicyKind.CircuitBreaker: session.Approximated(item, "passiveHealthCheck ejects by consecutive failures, not by a ratio"); break;
            case PolicyKind.ExternalService: session.Rendered(item, "ServiceDefaults destination and TerminatingGateway"); break;
            case PolicyKind.EgressControl: session.Missing(item, "set meshDestinationsOnly in the cluster's Mesh entry: it is cluster-wide"); break;
            case PolicyKind.Gateway: session.Missing(item, "Consul's API gateway is a cluster's affair; point it at the gateway workload's Service"); break;
            case PolicyKind.TlsRoute: session.Missing(item, "Consul leads TCP by its service, not by the server name"); break;
            case PolicyKind.Fault: session.Missing(item, "faults are an extension of Consul Enterprise"); break;
            default: session.Missing(item, $"Consul has no {item.Kind}"); break;
        }
    }
}
