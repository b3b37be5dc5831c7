using System.Text.Json.Nodes;
using AspireMesh.Hosting.Kubernetes.Rendering;
using AspireMesh.Manifests.Injecting;
using AspireMesh.Protocol.Model;
using static AspireMesh.Hosting.Kubernetes.Rendering.Tree;

namespace AspireMesh.Hosting.Kubernetes.Publishing;

/// <summary>The objects that a workload has because it is in the mesh.</summary>
internal static class WorkloadObjects
{
    /// <summary>Its identity. Its pods get no token for the API server; the sidecar's token is for joining alone.</summary>
    public static Manifest ServiceAccount(string workload) =>
        new("v1", "ServiceAccount", workload, null, Map(("automountServiceAccountToken", false)), MeshValues.LabelsOf(workload));

    /// <summary>What its sidecars are told before they have a snapshot.</summary>
    public static Manifest Bootstrap(string workload, bool spire) => new(
        "v1", "ConfigMap", SidecarPlaces.BootstrapConfigMap(workload), null,
        Map(("data", Map(("bootstrap.json", Indented.Json(SidecarBootstrapFile.Text(workload, MeshValues.TrustDomain, MeshValues.Namespace, spire)))))), MeshValues.LabelsOf(workload));

    /// <summary>Where traffic from outside the mesh comes in.</summary>
    public static Manifest Gateway(GatewayModel gateway) => new(
        "v1", "Service", $"{gateway.Name}-gateway", null,
        Map(("spec", Map(
            ("type", MeshValues.GatewayType), ("selector", MeshValues.PodsOf(gateway.Workload)),
            ("ports", List(GatewayPort(gateway)))))),
        GatewayLabels(gateway));

    // TLS that is passed through is what clients expect at 443; calling it http would have an ingress in front of it read it as such.
    private static JsonObject GatewayPort(GatewayModel gateway) => gateway.TlsRoutes.Length > 0
        ? Map(("name", "tls"), ("protocol", "TCP"), ("port", 443), ("targetPort", MeshValues.PortOf(gateway.Listen)))
        : Map(("name", "http"), ("protocol", "TCP"), ("appProtocol", "http"), ("port", 80), ("targetPort", MeshValues.PortOf(gateway.Listen)));

    private static JsonObject GatewayLabels(GatewayModel gateway)
    {
        var labels = MeshValues.LabelsOf(gateway.Workload);
        labels[SidecarPlaces.GatewayLabel] = gateway.Name;
        return labels;
    }

    /// <summary>Leads a workload's Service to its sidecars' inbound port: nobody reaches the app around them.</summary>
    public static void LeadToSidecar(JsonObject service, string workload)
    {
        var metadata = (JsonObject)service["metadata"]!;
        if (metadata["labels"] is not JsonObject labels) metadata["labels"] = labels = [];
        labels[SidecarPlaces.WorkloadLabel] = workload;
        var spec = (JsonObject)service["spec"]!;
        if (spec["ports"] is not JsonArray ports) spec["ports"] = ports = [];
        foreach (var port in ports.OfType<JsonObject>()) port["targetPort"] = SidecarPlaces.InboundPort;
        if (ports.OfType<JsonObject>().All(p => p["name"]?.GetValue<string>() != SidecarPlaces.InboundPortName))
        {
            ports.Add(Map(("name", SidecarPlaces.InboundPortName), ("protocol", "TCP"), ("port", SidecarPlaces.InboundPort), ("targetPort", SidecarPlaces.InboundPort)));
        }
    }

    /// <summary>Says what each Service port carries, for meshes that ask.</summary>
    /// <param name="service">The Service.</param>
    /// <param name="workload">Whose it is.</param>
    /// <param name="http2">The endpoints that take HTTP/2 without TLS.</param>
    /// <param name="tls">The endpoints that are led to by the server name of a TLS hello, which a mesh reads only where it is told to expect one.</param>
    /// <param name="backend">The mesh.</param>
    public static void NameProtocols(JsonObject service, WorkloadModel workload, IReadOnlySet<string> http2, IReadOnlySet<string> tls, MeshBackend backend)
    {
        foreach (var port in (service["spec"]?["ports"] as JsonArray ?? []).OfType<JsonObject>())
        {
            var endpoint = workload.Endpoints.FirstOrDefault(e => e.Name == port["name"]?.GetValue<string>());
            if (endpoint is null || port["appProtocol"] is not null) continue;
            port["appProtocol"] = endpoint.Protocol switch
            {
                AppProtocol.Tcp when tls.Contains(endpoint.Name) && backend is (MeshBackend.Istio or MeshBackend.OpenShiftServiceMesh) => "tls",
                AppProtocol.Tcp => "tcp",
                _ when http2.Contains(endpoint.Name) => Http2Of(backend),
                _ => "http",
            };
        }
    }

    /// <summary>Kubernetes takes the scheme of a probe in capitals only; Aspire writes an endpoint's, which is small.</summary>
    public static void CapitalizeProbes(JsonObject template)
    {
        foreach (var container in (template["spec"]?["containers"] as JsonArray ?? []).OfType<JsonObject>())
        {
            foreach (var probe in new[] { "startupProbe", "readinessProbe", "livenessProbe" }.Select(p => container[p]?["httpGet"]).OfType<JsonObject>())
            {
                if (probe["scheme"] is JsonValue scheme) probe["scheme"] = scheme.GetValue<string>().ToUpperInvariant();
            }
        }
    }

    /// <summary>Sets what the mesh asks of a pod template or of a Service.</summary>
    public static void Mark(JsonObject owner, IEnumerable<WorkloadMark> marks, MarkPlace labels, MarkPlace annotations)
    {
        foreach (var mark in marks.Where(m => m.Place == labels || m.Place == annotations))
        {
            if (owner["metadata"] is not JsonObject metadata) owner["metadata"] = metadata = [];
            var place = mark.Place == labels ? "labels" : "annotations";
            if (metadata[place] is not JsonObject map) metadata[place] = map = [];
            map[mark.Key] = mark.Value;
        }
    }

    // HTTP/2 without TLS has Kubernetes' own word since 1.26; the older meshes know theirs only.
    private static string Http2Of(MeshBackend backend) => backend is MeshBackend.GatewayApi or MeshBackend.Linkerd ? "kubernetes.io/h2c" : "http2";
}
