using System.Text.Json.Nodes;
using AspireMesh.Hosting.Kubernetes.Rendering;
using AspireMesh.Protocol.Faults;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;
using static AspireMesh.Hosting.Kubernetes.Rendering.Tree;

namespace AspireMesh.Hosting.Kubernetes.Backends.Kuma;

/// <summary>
/// Kuma, written for 3.0: MeshIdentity instead of Mesh.mtls, <c>rules[]</c> for inbound and <c>to[]</c> for outbound, no <c>from[]</c>.
/// Outbound policies target the caller's Dataplanes and name the callee's MeshService, so they are exact per edge.
/// </summary>
internal sealed class KumaRenderer : IMeshRenderer
{
    internal const string Api = "kuma.io/v1alpha1";

    public MeshBackend Backend => MeshBackend.Kuma;

    public void Render(RenderSession session)
    {
        session.Notices.Add("Kuma drops requests when an identity is switched on in one step: apply the MeshIdentity with an empty selector first, wait until it is ready, then the chart's.");
        session.MarkAll(MarkPlace.PodLabel, "kuma.io/sidecar-injection", "enabled");
        if (session.KeepSidecars)
        {
            session.MarkAll(MarkPlace.PodAnnotation, "traffic.kuma.io/exclude-inbound-ports", SidecarPorts.Inbound);
            session.MarkAll(MarkPlace.PodAnnotation, "traffic.kuma.io/exclude-outbound-ports", SidecarPorts.Outbound);
        }
        RenderIdentity(session);
        foreach (var workload in session.Model.Workloads.Where(w => w.Endpoints.Length > 0)) RenderInbound(session, workload);
        foreach (var edge in session.Model.Edges.Where(e => session.Placement.Workloads.ContainsKey(e.To))) KumaEdges.Render(session, edge);
        if (session.Model.UndeclaredEgress == EgressMode.Refuse)
        {
            foreach (var workload in session.Model.Workloads) RenderEgress(session, workload);
        }
        foreach (var item in session.Items) Verdict(session, item);
    }

    internal static Manifest Policy(RenderSession session, string kind, string name, JsonObject spec) =>
        new(Api, kind, name, session.Placement.Namespace, Map(("spec", spec)), Map(("kuma.io/mesh", "default")));

    /// <summary>A workload's Dataplanes, by the labels of its pods.</summary>
    internal static JsonObject Target(RenderSession session, string workload) =>
        Map(("kind", "Dataplane"), ("labels", Labels(session.Placement.Workloads[workload].PodLabels)));

    internal static string SpiffeId(RenderSession session, string workload) =>
        workload.StartsWith("spiffe://", StringComparison.Ordinal)
            ? workload
            : $"spiffe://{session.Model.TrustDomain}/ns/{session.Placement.Namespace}/sa/{session.Placement.Workloads[workload].ServiceAccount}";

    /// <summary>Identities and destinations outside the mesh are taken in Kuma's own namespace only, so their names carry the mesh's.</summary>
    private static Manifest Central(RenderSession session, string kind, string name, JsonObject spec) =>
        new(Api, kind, $"{session.Name}-{name}", "{{ .Values.mesh.kuma.systemNamespace }}", Map(("spec", spec)), Map(("kuma.io/mesh", "default")));

    private static void RenderIdentity(RenderSession session)
    {
        // Only this chart's pods: others in the cluster have their own identities.
        var common = session.Placement.Workloads.Values.Select(w => w.PodLabels.AsEnumerable()).DefaultIfEmpty(Enumerable.Empty<KeyValuePair<string, string>>()).Aggregate((a, b) => a.Intersect(b));
        session.Add(Central(session, "MeshIdentity", "identity", Map(
            ("selector", Map(("dataplane", Map(("matchLabels", Labels(common)))))),
            ("spiffeID", Map(("trustDomain", session.Model.TrustDomain), ("path", "/ns/{{ .Namespace }}/sa/{{ .ServiceAccount }}"))),
            ("provider", Map(("type", "Bundled"), ("bundled", Map(("meshTrustCreation", "Enabled"), ("insecureAllowSelfSigned", true), ("autogenerate", Map(("enabled", true))))))))));
        var mode = session.Model.Mtls == MtlsMode.Strict ? "Strict" : "Permissive";
        session.Add(Policy(session, "MeshTLS", "mesh-tls", Map(("targetRef", Map(("kind", "Mesh"))), ("rules", List(Map(("default", Map(("mode", mode)))))))));
    }

    private static void RenderInbound(RenderSession session, WorkloadModel workload)
    {
        var allow = new JsonArray();
        foreach (var caller in PolicyItems.Callers(session.Model, workload.Name).Concat(RuleCallers(workload, AuthorizationAction.Allow)).Distinct()) allow.Add(Match(session, caller));
        var deny = new JsonArray();
        foreach (var caller in RuleCallers(workload, AuthorizationAction.Deny)) deny.Add(Match(session, caller));
        var shadow = workload.Inbound.AuditOnly ? List(Map(("spiffeID", Map(("type", "Prefix"), ("value", $"spiffe://{session.Model.TrustDomain}/ns"))))) : null;
        // Nobody is let in where nothing is said, and a permission that says nothing is refused.
        if (allow.Count + deny.Count > 0 || shadow is not null)
        {
            var permission = Map(("targetRef", Target(session, workload.Name)), ("rules", List(Map(("default", Map(("deny", deny.OrNull()), ("allow", allow.OrNull()), ("allowWithShadowDeny", shadow)))))));
            session.Add(Policy(session, "MeshTrafficPermission", $"{workload.Name}-callers", permission));
        }

        var limit = workload.Inbound.RateLimits.FirstOrDefault(IsTaken);
        if (limit is not null)
        {
            var rate = Map(("http", Map(("requestRate", Map(("num", (int)Math.Ceiling(limit.PerSecond)), ("interval", "1s"))))));
            session.Add(Policy(session, "MeshRateLimit", $"{workload.Name}-limit", Map(
                ("targetRef", Target(session, workload.Name)), ("rules", List(Map(("default", Map(("local", rate)))))))));
        }
        if (!session.Model.ChaosEnabled) return;
        if (workload.Endpoints.All(e => e.Protocol == AppProtocol.Tcp)) return;
        var faults = session.Model.Faults.Where(f => f.To == workload.Name && FaultOf(f) is not null && (f.Endpoint is null || workload.Endpoints.Length == 1)).ToList();
        if (faults.Count == 0) return;
        var rules = List(faults.Select(f => Map(
            ("matches", f.From is null ? null : List(Match(session, f.From))),
            ("default", Map(("http", List(FaultOf(f))))))));
        session.Add(Policy(session, "MeshFaultInjection", $"{workload.Name}-faults", Map(("targetRef", Target(session, workload.Name)), ("rules", rules))));
    }

    private static IEnumerable<string> RuleCallers(WorkloadModel workload, AuthorizationAction action) =>
        workload.Inbound.Authorization.Where(r => r.Action == action && IsTaken(r)).SelectMany(r => r.Callers);

    private static bool IsTaken(AuthorizationRule rule) =>
        rule.Callers.Length > 0 && rule.Requests.Length == 0 && rule.Claims.Length == 0 && rule.Endpoints.Length == 0 && rule.Action != AuthorizationAction.Audit;

    private static bool IsTaken(RateLimitPolicy limit) => limit.Key == RateLimitKey.None && limit.Matches.Length == 0;

    private static JsonObject Match(RenderSession session, string caller) =>
        Map(("spiffeID", Map(("type", "Exact"), ("value", SpiffeId(session, caller)))));

    private static JsonObject? FaultOf(FaultRule rule) => PublishedFaults.IsNarrowed(rule) ? null : rule.Fault.Kind switch
    {
        FaultKinds.Abort when rule.Fault.GrpcStatus < 0 => Map(("abort", Map(("httpStatus", rule.Fault.Status), ("percentage", KumaEdges.Percent(rule.Activation.Percent))))),
        FaultKinds.Delay when rule.Fault.Distribution == "fixed" => Map(("delay", Map(("value", Duration(rule.Fault.Delay)), ("percentage", KumaEdges.Percent(rule.Activation.Percent))))),
        _ => null,
    };

    // Apps dial the host outside as it is; a MeshExternalService would answer under a name of Kuma's own, which nobody dials.
    private static void RenderEgress(RenderSession session, WorkloadModel workload)
    {
        var called = session.Model.Edges.Where(e => e.From == workload.Name).Select(e => e.To).Distinct();
        var matches = List(session.Model.ExternalServices.Where(x => called.Contains(x.Name) && IsSayable(x))
            .Select(x => Map(("type", "Domain"), ("value", x.Host), ("port", x.Port), ("protocol", x.Tls ? "tls" : "http"))));
        var settings = Map(("passthroughMode", matches.Count == 0 ? "None" : "Matched"), ("appendMatch", matches.OrNull()));
        session.Add(Policy(session, "MeshPassthrough", $"{workload.Name}-egress", Map(("targetRef", Target(session, workload.Name)), ("default", settings))));
    }

    // A domain is matched by the server name or the host of a request; plain TCP carries neither.
    private static bool IsSayable(ExternalServiceModel external) => external.Protocol != AppProtocol.Tcp || external.Tls;

    private static void Verdict(RenderSession session, PolicyItem item)
    {
        if (KumaEdges.TryVerdict(session, item)) return;
        switch (item.Kind)
        {
            case PolicyKind.Mtls when session.Model.Mtls == MtlsMode.Disabled: session.Approximated(item, "MeshTLS Permissive: with an identity, Kuma's proxies send mTLS"); break;
            case PolicyKind.Mtls: session.Rendered(item, "MeshIdentity and MeshTLS"); break;
            case PolicyKind.AllowList: session.Rendered(item, "MeshTrafficPermission by SPIFFE ID"); break;
            case PolicyKind.AuthorizationRule when IsTaken(item.Rule!): session.Rendered(item, "MeshTrafficPermission"); break;
            case PolicyKind.AuthorizationRule: session.Missing(item, "MeshTrafficPermission knows identities only, no method, path, header or claim"); break;
            case PolicyKind.AuditOnly: session.Approximated(item, "MeshTrafficPermission allowWithShadowDeny lets in whoever has an identity of the mesh, and logs it"); break;
            case PolicyKind.RateLimit when item.Workload!.Inbound.RateLimits.FirstOrDefault(IsTaken)?.Name == item.Detail: session.Approximated(item, "MeshRateLimit, without a burst"); break;
            case PolicyKind.RateLimit: session.Missing(item, "MeshRateLimit has one bucket per proxy, not one per caller or header"); break;
            case PolicyKind.ExternalService when session.Model.UndeclaredEgress != EgressMode.Refuse: session.Rendered(item, "nothing to write: Kuma's proxies pass on what they do not know"); break;
            case PolicyKind.ExternalService when !IsSayable(item.External!): session.Missing(item, "MeshPassthrough matches a domain by server name or host, and plain TCP carries neither"); break;
            case PolicyKind.ExternalService: session.Rendered(item, "MeshPassthrough Matched, for its callers alone"); break;
            case PolicyKind.EgressControl: session.Rendered(item, "MeshPassthrough None, and Matched where a reference leads out"); break;
            case PolicyKind.Gateway: session.Missing(item, "the built-in gateway is gone in 3.0: put an ingress controller with a Kuma sidecar in front"); break;
            case PolicyKind.Fault when !session.Model.ChaosEnabled: session.Missing(item, "chaos is off"); break;
            case PolicyKind.TlsRoute: session.Missing(item, "Kuma leads TCP by its MeshService, not by the server name"); break;
            case PolicyKind.Fault when FaultOf(item.Fault!) is not null && !session.Model.Workloads.Any(w => w.Name == item.Fault!.To && w.Endpoints.Any(e => e.Protocol == AppProtocol.Http)):
                session.Missing(item, "MeshFaultInjection is a callee's, for HTTP, and this names none");
                break;
            case PolicyKind.Fault when FaultOf(item.Fault!) is not null && item.Fault!.Endpoint is not null && session.Model.Workloads.First(w => w.Name == item.Fault.To).Endpoints.Length > 1:
                session.Missing(item, "MeshFaultInjection hits all HTTP endpoints of a callee");
                break;
            case PolicyKind.Fault when item.Fault!.To is not null && FaultOf(item.Fault) is not null: session.Approximated(item, "MeshFaultInjection; without seed and end of time"); break;
            case PolicyKind.Fault: session.Missing(item, $"MeshFaultInjection has no '{item.Fault!.Fault.Kind}' of this form, or no callee is named"); break;
            default: session.Missing(item, $"Kuma has no {item.Kind}"); break;
        }
    }
}
