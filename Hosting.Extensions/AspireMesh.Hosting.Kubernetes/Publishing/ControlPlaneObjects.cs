using System.Text.Json;
using System.Text.Json.Nodes;
using AspireMesh.Hosting.Kubernetes.Rendering;
using AspireMesh.Manifests.Injecting;
using AspireMesh.Protocol;
using AspireMesh.Protocol.Model;
using static AspireMesh.Hosting.Kubernetes.Rendering.Tree;

namespace AspireMesh.Hosting.Kubernetes.Publishing;

/// <summary>The control plane as a Deployment, allowed no more than docs/kubernetes.md lists. Its CA key is in no chart: it makes one and keeps it in a Secret.</summary>
internal static class ControlPlaneObjects
{
    private const string Name = SidecarPlaces.ControlPlane;
    private const string Placeholder = "aspiremesh-trust-domain-of-the-values";
    private const string Group = "rbac.authorization.k8s.io";
    private const string RbacVersion = $"{Group}/v1";

    /// <summary>All of them.</summary>
    public static IEnumerable<Manifest> Of(MeshModel model, MeshOptions options)
    {
        yield return Mesh(model);
        yield return new("v1", "ServiceAccount", Name, null, Map(("automountServiceAccountToken", true)), Labels);
        yield return Role(options, model.Workloads.Any(w => w.Intercept is not null));
        yield return Binding("RoleBinding", "Role", Name);
        yield return TokenReviews();
        yield return Binding("ClusterRoleBinding", "ClusterRole", $"{Name}-{MeshValues.Namespace}");
        yield return Deployment(options);
        yield return Service();
        yield return Budget();
    }

    private static JsonObject Labels => MeshValues.LabelsOf(Name);

    private static Manifest Mesh(MeshModel model)
    {
        var tree = (JsonObject)JsonNode.Parse(JsonSerializer.Serialize(model, MeshJson.Default.MeshModel))!;
        tree["trustDomain"] = Placeholder;
        // What a user wrote is no template, whatever braces are in it.
        var text = MeshValues.Escaped(Indented.Json(tree)).Replace(Placeholder, MeshValues.TrustDomain, StringComparison.Ordinal);
        return new("v1", "ConfigMap", SidecarPlaces.Mesh, null, Map(("data", Map(("mesh.json", text)))), Labels);
    }

    private static Manifest Role(MeshOptions options, bool intercepts) => new(RbacVersion, "Role", Name, null, Map(("rules", List(
        Rule("coordination.k8s.io", "leases", null, "create"),
        Rule("coordination.k8s.io", "leases", [Name], "get", "update"),
        Rule("", "secrets", null, "create"),
        Rule("", "secrets", ["aspiremesh-ca"], "get", "update"),
        Rule("", "secrets", ["aspiremesh-admin"], "get"),
        Rule("", "configmaps", null, "create"),
        Rule("", "configmaps", [SidecarPlaces.TrustBundle], "update"),
        Rule("", "configmaps", [SidecarPlaces.Mesh], "list", "watch"),
        Rule("discovery.k8s.io", "endpointslices", null, "list", "watch"),
        intercepts ? Rule("", "services", null, "list", "watch") : null,
        options.CertManager is null ? null : Rule("cert-manager.io", "certificaterequests", null, "create", "get", "delete")))), Labels);

    private static JsonArray Arguments(MeshOptions options)
    {
        List<string> arguments = ["serve", "--kubernetes"];
        if (options.Spire) arguments.AddRange(["--workload-api", SidecarPlaces.WorkloadApi]);
        if (options.CertManager is { } issuer) arguments.AddRange(["--cert-manager-issuer", issuer.Name, "--cert-manager-kind", issuer.Kind, "--cert-manager-group", issuer.Group]);
        return Texts([.. arguments]);
    }

    private static Manifest TokenReviews() => new(RbacVersion, "ClusterRole", $"{Name}-{MeshValues.Namespace}", null,
        Map(("rules", List(Rule("authentication.k8s.io", "tokenreviews", null, "create")))), Labels);

    private static JsonObject Rule(string group, string resource, string[]? names, params string[] verbs) =>
        Map(("apiGroups", List(group)), ("resources", List(resource)), ("resourceNames", names is null ? null : Texts(names)), ("verbs", Texts(verbs)));

    private static Manifest Binding(string kind, string role, string name) => new(RbacVersion, kind, name, null, Map(
        ("roleRef", Map(("apiGroup", Group), ("kind", role), ("name", name))),
        ("subjects", List(Map(("kind", "ServiceAccount"), ("name", Name), ("namespace", MeshValues.Namespace))))), Labels);

    private static Manifest Deployment(MeshOptions options)
    {
        var container = Map(
            ("name", Name), ("image", MeshValues.ToolImage), ("imagePullPolicy", MeshValues.ToolPull),
            ("args", Arguments(options)),
            ("env", List(Field("POD_NAME", "metadata.name"), Field("POD_IP", "status.podIP"), Field("POD_NAMESPACE", "metadata.namespace"), Map(("name", "OTEL_EXPORTER_OTLP_ENDPOINT"), ("value", MeshValues.OtlpEndpoint)))),
            ("ports", List(Map(("name", "control"), ("containerPort", SidecarPlaces.ControlPort), ("protocol", "TCP")))),
            ("startupProbe", Probe(1, 60)), ("readinessProbe", Probe(5, 2)), ("livenessProbe", Probe(10, 3)),
            ("resources", Map(("requests", Map(("cpu", MeshValues.ToolCpu), ("memory", MeshValues.ToolMemory))), ("limits", Map(("memory", MeshValues.ToolMemoryLimit))))),
            ("securityContext", SidecarPod.Rights()),
            ("volumeMounts", List(Map(("name", "tmp"), ("mountPath", "/tmp")), options.Spire ? SidecarPod.AgentMount() : null)));
        var apart = Map(("weight", 100), ("podAffinityTerm", Map(("topologyKey", "kubernetes.io/hostname"), ("labelSelector", Map(("matchLabels", MeshValues.PodsOf(Name)))))));
        var template = Map(
            ("metadata", Map(("labels", Labels))),
            ("spec", Map(
                ("serviceAccountName", Name), ("terminationGracePeriodSeconds", 30),
                ("affinity", Map(("podAntiAffinity", Map(("preferredDuringSchedulingIgnoredDuringExecution", List(apart)))))),
                ("containers", List(container)), ("volumes", List(Map(("name", "tmp"), ("emptyDir", new JsonObject())), options.Spire ? SidecarPod.AgentVolume() : null)))));
        return new("apps/v1", "Deployment", Name, null, Map(("spec", Map(
            ("replicas", MeshValues.Replicas), ("revisionHistoryLimit", 3), ("selector", Map(("matchLabels", MeshValues.PodsOf(Name)))),
            ("strategy", Map(("type", "RollingUpdate"), ("rollingUpdate", Map(("maxSurge", 1), ("maxUnavailable", 0))))), ("template", template)))), Labels);
    }

    private static Manifest Service() => new("v1", "Service", Name, null, Map(("spec", Map(
        ("type", "ClusterIP"), ("selector", MeshValues.PodsOf(Name)),
        ("ports", List(Map(("name", "control"), ("protocol", "TCP"), ("port", SidecarPlaces.ControlPort), ("targetPort", SidecarPlaces.ControlPort))))))), Labels);

    private static Manifest Budget() => new("policy/v1", "PodDisruptionBudget", Name, null,
        Map(("spec", Map(("maxUnavailable", 1), ("selector", Map(("matchLabels", MeshValues.PodsOf(Name))))))), Labels);

    private static JsonObject Field(string name, string path) => Map(("name", name), ("valueFrom", Map(("fieldRef", Map(("fieldPath", path))))));

    private static JsonObject Probe(int seconds, int failures) => Map(("tcpSocket", Map(("port", "control"))), ("periodSeconds", seconds), ("failureThreshold", failures));
}
