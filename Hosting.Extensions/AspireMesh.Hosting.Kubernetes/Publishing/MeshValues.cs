using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using AspireMesh.Manifests.Injecting;
using AspireMesh.Protocol.Model;
using static AspireMesh.Hosting.Kubernetes.Rendering.Tree;

namespace AspireMesh.Hosting.Kubernetes.Publishing;

/// <summary>The section <c>mesh</c> of values.yaml, and the expressions that templates use for it.</summary>
internal static partial class MeshValues
{
    public const string TrustDomain = "{{ .Values.mesh.trustDomain }}";
    public const string Namespace = "{{ .Release.Namespace }}";
    public const string ChartName = "{{ .Chart.Name }}";
    public const string ReleaseName = "{{ .Release.Name }}";
    public const string Replicas = "{{ .Values.mesh.controlPlane.replicas | int }}";
    public const string ToolImage = "{{ .Values.mesh.controlPlane.image }}";
    public const string ToolPull = "{{ .Values.mesh.controlPlane.imagePullPolicy }}";
    public const string ToolCpu = "{{ .Values.mesh.controlPlane.requests.cpu }}";
    public const string ToolMemory = "{{ .Values.mesh.controlPlane.requests.memory }}";
    public const string ToolMemoryLimit = "{{ .Values.mesh.controlPlane.limits.memory }}";
    public const string OtlpPort = "{{ .Values.mesh.otlp.port | int }}";
    public const string OtlpEndpoint = "{{ .Values.mesh.otlp.endpoint }}";
    public const string GatewayType = "{{ .Values.mesh.gateway.serviceType }}";

    /// <summary>The defaults.</summary>
    public static JsonObject Defaults(MeshModel model) => Map(("mesh", Map(
        ("trustDomain", model.TrustDomain),
        ("proxy", Map(
            ("image", "aspiremesh-proxy:0.1.0"), ("imagePullPolicy", "IfNotPresent"),
            ("requests", Map(("cpu", "50m"), ("memory", "48Mi"))), ("limits", Map(("memory", "256Mi"))))),
        ("controlPlane", Map(
            ("image", "aspiremesh:0.1.0"), ("imagePullPolicy", "IfNotPresent"), ("replicas", 2),
            ("requests", Map(("cpu", "50m"), ("memory", "96Mi"))), ("limits", Map(("memory", "512Mi"))))),
        ("intercept", model.Workloads.Any(w => w.Intercept is not null) ? Map(("image", "aspiremesh-intercept:0.1.0")) : null),
        ("otlp", Map(("endpoint", ""), ("port", 4317))),
        ("kuma", Map(("systemNamespace", "kuma-system"))),
        ("nsm", Map(("systemNamespace", "nsm-system"))),
        ("gateway", Map(("serviceType", "ClusterIP"), ("className", "default"), ("principal", "cluster.local/ns/istio-system/sa/istio-ingressgateway-service-account"))))));

    /// <summary>The sidecar of a workload.</summary>
    public static SidecarSpec Sidecar(WorkloadModel workload, TimeSpan drain) => new()
    {
        Workload = workload.Name,
        InterceptImage = workload.Intercept is null ? null : "{{ .Values.mesh.intercept.image }}",
        Image = "{{ .Values.mesh.proxy.image }}",
        ImagePullPolicy = "{{ .Values.mesh.proxy.imagePullPolicy }}",
        OtlpEndpoint = OtlpEndpoint,
        CpuRequest = "{{ .Values.mesh.proxy.requests.cpu }}",
        MemoryRequest = "{{ .Values.mesh.proxy.requests.memory }}",
        MemoryLimit = "{{ .Values.mesh.proxy.limits.memory }}",
        DrainSeconds = int.CreateSaturating(Math.Ceiling(drain.TotalSeconds)),
    };

    /// <summary>Labels of an object of ours.</summary>
    public static JsonObject LabelsOf(string component) =>
        Map(("app.kubernetes.io/name", ChartName), ("app.kubernetes.io/component", component), ("app.kubernetes.io/instance", ReleaseName));

    /// <summary>The labels that select a component's pods.</summary>
    public static JsonObject PodsOf(string component) => Map(("app.kubernetes.io/component", component), ("app.kubernetes.io/instance", ReleaseName));

    /// <summary>Text that stays as it is in a template.</summary>
    public static string Escaped(string text) => text.Replace("{{", "{{ `{{` }}", StringComparison.Ordinal);

    /// <summary>A tree in which expressions of charts stay expressions, and other braces (Kuma has templates of its own) stay text.</summary>
    public static JsonNode? EscapedTree(JsonNode? node) => node switch
    {
        JsonObject map => new JsonObject(map.Select(e => KeyValuePair.Create(e.Key, EscapedTree(e.Value)))),
        JsonArray list => new JsonArray([.. list.Select(EscapedTree)]),
        JsonValue value when value.TryGetValue<string>(out var text) => JsonValue.Create(ForeignBraces().Replace(text, "{{ `{{` }}")),
        _ => node?.DeepClone(),
    };

    [GeneratedRegex(@"\{\{(?! \.(?:Values|Release|Chart)\.)", RegexOptions.CultureInvariant)]
    private static partial Regex ForeignBraces();

    /// <summary>A port of an address <c>host:port</c>.</summary>
    public static int PortOf(string address) => int.Parse(address.AsSpan(address.LastIndexOf(':') + 1), NumberStyles.None, CultureInfo.InvariantCulture);
}
