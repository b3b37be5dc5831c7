using System.Text.Json.Nodes;
using AspireMesh.Hosting.Kubernetes.Rendering;
using AspireMesh.Manifests.Injecting;
using AspireMesh.Protocol.Model;
using static AspireMesh.Hosting.Kubernetes.Rendering.Tree;

namespace AspireMesh.Hosting.Kubernetes.Publishing;

/// <summary>
/// Closes the way around the sidecars: a pod takes connections at its inbound port from its callers' pods only, and opens them to its callees, the control plane,
/// DNS and the collector of telemetry only. What a gateway or an external service needs is open at that port. An app that passes its sidecar's forward proxy by
/// therefore meets no more than the declared services' ports.
/// </summary>
/// <param name="model">The mesh.</param>
/// <param name="outsiders">Deployed resources without a sidecar.</param>
internal sealed class NetworkPolicies(MeshModel model, IReadOnlyList<string> outsiders)
{
    private const int Dns = 53;
    private static readonly int[] ApiServer = [443, 6443];

    /// <summary>The policy of a workload's pods.</summary>
    public Manifest Of(WorkloadModel workload)
    {
        var name = workload.Name;
        var callers = PolicyItems.Callers(model, name).ToArray();
        var ingress = new JsonArray();
        if (model.Mtls != MtlsMode.Strict) ingress.Add(Rule("from", [Map(("podSelector", new JsonObject()))], SidecarPlaces.InboundPort));
        else if (callers.Length > 0) ingress.Add(Rule("from", callers.Select(Pods), SidecarPlaces.InboundPort));
        foreach (var gateway in model.Gateways.Where(g => g.Workload == name)) ingress.Add(Rule("from", null, MeshValues.PortOf(gateway.Listen)));
        ingress.Add(Rule("from", [Map(("namespaceSelector", new JsonObject()), ("podSelector", Map(("matchLabels", Map(("app.kubernetes.io/name", "prometheus"))))))], SidecarPlaces.AdminPort));

        var egress = DnsAndControlPlane();
        var edges = model.Edges.Where(e => e.From == name).ToArray();
        var callees = edges.Select(e => e.To).Where(to => model.Workloads.Any(w => w.Name == to)).Concat(Mirrors(edges)).Distinct().Order(StringComparer.Ordinal).ToArray();
        if (callees.Length > 0) egress.Add(Rule("to", callees.Select(Pods), SidecarPlaces.InboundPort));
        var external = model.ExternalServices.Where(s => edges.Any(e => e.To == s.Name)).Select(s => s.Port).Distinct().Order().ToArray();
        // Kubernetes knows addresses, not names: which host it is stays the sidecar's decision.
        if (external.Length > 0) egress.Add(Rule("to", [Anywhere()], external));
        // An audit lets pass what is not declared: the sidecar must be able to reach it, or the audit would be a refusal without a reason.
        if (model.UndeclaredEgress == EgressMode.Audit) egress.Add(Map(("to", List(Anywhere()))));
        if (outsiders.Count > 0) egress.Add(Map(("to", List(outsiders.Select(o => (JsonNode)Pods(o))))));
        egress.Add(Map(("to", List(Map(("namespaceSelector", new JsonObject())))), ("ports", List(Map(("protocol", "TCP"), ("port", MeshValues.OtlpPort))))));
        return Policy(name, ingress, egress);
    }

    /// <summary>The policy of the control plane's pods.</summary>
    public Manifest OfControlPlane()
    {
        var everyone = model.Workloads.Select(w => w.Name).Append(SidecarPlaces.ControlPlane).Select(Pods);
        var egress = DnsAndControlPlane();
        egress.Add(Rule("to", [Anywhere()], ApiServer));
        return Policy(SidecarPlaces.ControlPlane, List(Rule("from", everyone, SidecarPlaces.ControlPort)), egress);
    }

    private static IEnumerable<string> Mirrors(IEnumerable<EdgeModel> edges) =>
        edges.SelectMany(e => e.Policies.Routes.Select(r => r.Mirror?.Workload).Append(e.Policies.Mirror?.Workload)).OfType<string>();

    private static Manifest Policy(string name, JsonArray ingress, JsonArray egress) => new(
        "networking.k8s.io/v1", "NetworkPolicy", name == SidecarPlaces.ControlPlane ? name : $"{name}-mesh", null,
        Map(("spec", Map(("podSelector", Map(("matchLabels", MeshValues.PodsOf(name)))), ("policyTypes", List("Ingress", "Egress")), ("ingress", ingress), ("egress", egress)))),
        MeshValues.LabelsOf(name));

    private static JsonArray DnsAndControlPlane() => List(
        Map(
            ("to", List(Map(("namespaceSelector", new JsonObject()), ("podSelector", Map(("matchLabels", Map(("k8s-app", "kube-dns")))))))),
            ("ports", List(Map(("protocol", "UDP"), ("port", Dns)), Map(("protocol", "TCP"), ("port", Dns))))),
        Rule("to", [Pods(SidecarPlaces.ControlPlane)], SidecarPlaces.ControlPort));

    private static JsonObject Pods(string component) => Map(("podSelector", Map(("matchLabels", MeshValues.PodsOf(component)))));

    private static JsonObject Anywhere() => Map(("ipBlock", Map(("cidr", "0.0.0.0/0"))));

    private static JsonObject Rule(string direction, IEnumerable<JsonObject>? peers, params int[] ports) =>
        Map((direction, peers is null ? null : List(peers)), ("ports", List(ports.Select(p => Map(("protocol", "TCP"), ("port", p))))));
}
