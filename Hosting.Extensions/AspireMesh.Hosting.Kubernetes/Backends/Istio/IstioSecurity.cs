using System.Collections.Immutable;
using System.Text.Json.Nodes;
using AspireMesh.Hosting.Kubernetes.Rendering;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;
using static AspireMesh.Hosting.Kubernetes.Rendering.Tree;

namespace AspireMesh.Hosting.Kubernetes.Backends.Istio;

/// <summary>PeerAuthentication, AuthorizationPolicy and RequestAuthentication.</summary>
internal static class IstioSecurity
{
    internal const string OwnTrustDomain = "cluster.local";

    public static void Render(RenderSession session)
    {
        var ns = session.Placement.Namespace;
        var mode = session.Model.Mtls switch { MtlsMode.Strict => "STRICT", MtlsMode.Permissive => "PERMISSIVE", _ => "DISABLE" };
        session.Add(new(IstioRenderer.Security, "PeerAuthentication", "default", ns, Map(("spec", Map(("mtls", Map(("mode", mode))))))));
        session.Add(new(IstioRenderer.Security, "AuthorizationPolicy", "allow-nothing", ns, Map(("spec", new JsonObject()))));
        foreach (var workload in session.Model.Workloads.Where(w => w.Endpoints.Length > 0)) RenderWorkload(session, workload);
    }

    private static void RenderWorkload(RenderSession session, WorkloadModel workload)
    {
        var ns = session.Placement.Namespace;
        var annotations = workload.Inbound.AuditOnly ? Map(("istio.io/dry-run", "true")) : null;
        // A policy on trial allows nothing, and the empty one of the namespace would refuse everybody meanwhile.
        if (workload.Inbound.AuditOnly) session.Add(Policy(session, workload, $"{workload.Name}-open", "ALLOW", List(new JsonObject()), null));
        var rules = new JsonArray();
        if (GatewayOf(session, workload) is { } gateway) rules.Add(gateway);
        foreach (var byEndpoint in session.Model.Edges.Where(e => e.To == workload.Name).GroupBy(e => e.Endpoint).OrderBy(g => g.Key, StringComparer.Ordinal))
        {
            rules.Add(Map(
                ("from", List(Map(("source", Map(("principals", Texts(byEndpoint.Select(e => Principal(session, e.From)).Order(StringComparer.Ordinal)))))))),
                ("to", List(Map(("operation", Map(("ports", Texts([PortOf(session, workload.Name, byEndpoint.Key)])))))))));
        }
        if (TakesUnknown(session, workload)) rules.Add(WithoutIdentity());
        foreach (var rule in workload.Inbound.Authorization.Where(r => r.Action == AuthorizationAction.Allow)) rules.Add(RuleOf(session, workload, rule));
        session.Add(Policy(session, workload, $"{workload.Name}-references", "ALLOW", rules, annotations));

        foreach (var action in new[] { AuthorizationAction.Deny, AuthorizationAction.Audit })
        {
            var list = workload.Inbound.Authorization.Where(r => r.Action == action).Select(r => (JsonNode?)RuleOf(session, workload, r)).ToArray();
            if (list.Length == 0) continue;
            var name = action == AuthorizationAction.Deny ? "DENY" : "AUDIT";
            session.Add(Policy(session, workload, $"{workload.Name}-{name.ToLowerInvariant()}", name, new JsonArray(list), annotations?.DeepClone().AsObject()));
        }
        if (workload.Inbound.Jwt is { } jwt) RenderJwt(session, workload, jwt, ns);
    }

    /// <summary>Lets the cluster's ingress gateway in where a gateway leads; null where none does. Who that is, the chart's values say.</summary>
    internal static JsonObject? GatewayOf(RenderSession session, WorkloadModel workload) =>
        session.Model.Gateways.Any(g => g.Workload == workload.Name || g.Routes.Any(r => r.Workload == workload.Name)) || session.TlsGateways.Any(g => IstioTls.LeadsTo(g, workload.Name))
            ? Map(("from", List(Map(("source", Map(("principals", Texts(["{{ .Values.mesh.gateway.principal }}"]))))))))
            : null;

    /// <summary>Whether callers without an identity are taken: in permissive mode not where a rule lets someone do something, which demands one of our sidecars' callers too.</summary>
    internal static bool TakesUnknown(RenderSession session, WorkloadModel workload) => session.Model.Mtls switch
    {
        MtlsMode.Strict => false,
        MtlsMode.Permissive => !workload.Inbound.Authorization.Any(r => r.Action == AuthorizationAction.Allow && r.NeedsRequest),
        _ => true,
    };

    /// <summary>Lets in whoever has no identity: short of strict mTLS our sidecars do, and a rule by principal alone would refuse everybody where mTLS is off.</summary>
    internal static JsonObject WithoutIdentity() => Map(("from", List(Map(("source", Map(("notPrincipals", Texts(["*"]))))))));

    private static void RenderJwt(RenderSession session, WorkloadModel workload, JwtPolicy jwt, string ns)
    {
        var rule = Map(("issuer", jwt.Issuer), ("audiences", Texts(jwt.Audiences).OrNull()), ("jwksUri", jwt.JwksUri), ("jwks", jwt.Jwks), ("forwardOriginalToken", true));
        session.Add(new(IstioRenderer.Security, "RequestAuthentication", workload.Name, ns, Map(("spec", Map(("selector", Selector(session, workload.Name)), ("jwtRules", List(rule)))))));
        if (!jwt.Required) return;
        // RequestAuthentication lets a request without a token pass; only this refuses it.
        var noToken = List(Map(("from", List(Map(("source", Map(("notRequestPrincipals", Texts(["*"])))))))));
        session.Add(Policy(session, workload, $"{workload.Name}-token-required", "DENY", noToken, null));
    }

    private static Manifest Policy(RenderSession session, WorkloadModel workload, string name, string action, JsonArray rules, JsonObject? annotations) =>
        new(IstioRenderer.Security, "AuthorizationPolicy", name, session.Placement.Namespace,
            Map(("spec", Map(("selector", Selector(session, workload.Name)), ("action", action), ("rules", rules)))), annotations: annotations);

    private static JsonObject RuleOf(RenderSession session, WorkloadModel workload, AuthorizationRule rule)
    {
        var ports = rule.Endpoints.Select(e => PortOf(session, workload.Name, e)).ToImmutableArray();
        var operations = new JsonArray();
        foreach (var request in rule.Requests.DefaultIfEmpty(new RouteMatch()))
        {
            var operation = Map(("ports", Texts(ports).OrNull()), ("methods", Texts(request.Methods).OrNull()), ("paths", PathsOf(request).OrNull()));
            if (operation.Count > 0) operations.Add(Map(("operation", operation)));
        }
        var conditions = new JsonArray();
        foreach (var header in rule.Requests.SelectMany(r => r.Headers)) conditions.Add(Map(("key", $"request.headers[{header.Name}]"), ("values", Texts([Glob(header.Match)]))));
        foreach (var claim in rule.Claims) conditions.Add(Map(("key", $"request.auth.claims[{claim.Name}]"), ("values", Texts([Glob(claim.Match)]))));
        var callers = rule.Callers.Select(c => Principal(session, c)).ToImmutableArray();
        return Map(
            ("from", callers.Length == 0 ? null : List(Map(("source", Map(("principals", Texts(callers))))))),
            ("to", operations.OrNull()),
            ("when", conditions.OrNull()));
    }

    private static JsonArray PathsOf(RouteMatch request)
    {
        if (request.GrpcService is not null) return Texts([$"/{request.GrpcService}/{request.GrpcMethod ?? "*"}"]);
        if (request.Path is not { } path) return [];
        return path.Kind == StringMatchKind.Prefix ? Texts([path.Value, path.Value.TrimEnd('/') + "/*"]) : Texts([Glob(path)]);
    }

    private static string Glob(StringMatch match) => match.Kind switch { StringMatchKind.Prefix => match.Value + "*", StringMatchKind.Present => "*", _ => match.Value };

    internal static JsonObject Selector(RenderSession session, string workload) =>
        Map(("matchLabels", Labels(session.Placement.Workloads[workload].PodLabels)));

    /// <summary>
    /// Istio writes principals without the scheme. A name that is a SPIFFE ID already keeps its own trust domain; for workloads of the chart <c>cluster.local</c>
    /// stands for whatever the cluster's Istio is configured with, which is not the AppHost's to choose.
    /// </summary>
    internal static string Principal(RenderSession session, string caller)
    {
        if (caller.StartsWith("spiffe://", StringComparison.Ordinal)) return caller["spiffe://".Length..];
        var account = session.Placement.Workloads.TryGetValue(caller, out var placement) ? placement.ServiceAccount : caller;
        return $"{OwnTrustDomain}/ns/{session.Placement.Namespace}/sa/{account}";
    }

    private static string PortOf(RenderSession session, string workload, string endpoint) =>
        session.Placement.Workloads[workload].Ports[endpoint].ToString(System.Globalization.CultureInfo.InvariantCulture);
}
