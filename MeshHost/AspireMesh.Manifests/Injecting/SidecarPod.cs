using System.Globalization;
using System.Text.Json.Nodes;

namespace AspireMesh.Manifests.Injecting;

/// <summary>
/// Puts a sidecar into a pod: a native sidecar (an init container that is restarted always), so that it starts before the app and ends after it. It asks for no rights
/// at all. Done twice it is there once.
/// </summary>
public static class SidecarPod
{
    private const string Bootstrap = "aspiremesh-bootstrap";
    private const string Token = "aspiremesh-token";
    private const string Trust = "aspiremesh-trust";
    private const string Spire = "spiffe-workload-api";
    private const int EndpointRemovalSeconds = 5;
    private static readonly string[] Volumes = [Bootstrap, Token, Trust, Spire];

    /// <summary>Changes the pod of a template, <c>{ metadata, spec }</c>.</summary>
    public static void Add(JsonObject template, SidecarSpec sidecar)
    {
        Remove(template);
        var spec = Map(template, "spec");
        Items(spec, "initContainers").Insert(0, Container(sidecar));
        // Before any other container runs: none may call past the sidecar.
        if (sidecar.InterceptImage is not null) Items(spec, "initContainers").Insert(0, Intercept(sidecar));
        foreach (var volume in MakeVolumes(sidecar)) Items(spec, "volumes").Add(volume);
        var annotations = Map(Map(template, "metadata"), "annotations");
        annotations[SidecarPlaces.Prefix + "sidecar"] = sidecar.Workload;
        if (sidecar.Scrape)
        {
            annotations[SidecarPlaces.Prefix + "scrape"] = "added";
            foreach (var (key, value) in new[] { ("scrape", "true"), ("port", Text(SidecarPlaces.AdminPort)), ("path", "/metrics") }) annotations[$"prometheus.io/{key}"] = value;
        }
        if (spec["serviceAccountName"] is null)
        {
            spec["serviceAccountName"] = sidecar.Workload;
            annotations[SidecarPlaces.Prefix + "service-account"] = "added";
        }
        if (spec["terminationGracePeriodSeconds"] is null)
        {
            spec["terminationGracePeriodSeconds"] = sidecar.DrainSeconds + 30;
            annotations[SidecarPlaces.Prefix + "grace-period"] = "added";
        }
        // While the cluster takes the pod out of its Services, requests still come: the app goes on answering them.
        foreach (var app in Items(spec, "containers").OfType<JsonObject>().Where(c => c["lifecycle"] is null))
        {
            app["lifecycle"] = new JsonObject { ["preStop"] = new JsonObject { ["sleep"] = new JsonObject { ["seconds"] = EndpointRemovalSeconds } } };
            annotations[SidecarPlaces.Prefix + "pre-stop"] = "added";
        }
    }

    /// <summary>Takes a sidecar out again, with everything that <see cref="Add"/> added; true where there was one.</summary>
    public static bool Remove(JsonObject template)
    {
        if (template["metadata"]?["annotations"] is not JsonObject annotations || annotations[SidecarPlaces.Prefix + "sidecar"] is null) return false;
        var spec = Map(template, "spec");
        RemoveItems(spec, "initContainers", c => c["name"]?.GetValue<string>() is SidecarPlaces.Container or SidecarPlaces.InterceptContainer);
        RemoveItems(spec, "volumes", v => Volumes.Contains(v["name"]?.GetValue<string>()));
        if (Added("service-account")) spec.Remove("serviceAccountName");
        if (Added("grace-period")) spec.Remove("terminationGracePeriodSeconds");
        if (Added("pre-stop"))
        {
            foreach (var app in Items(spec, "containers").OfType<JsonObject>().Where(c => c["lifecycle"]?["preStop"]?["sleep"] is not null)) app.Remove("lifecycle");
        }
        if (Added("scrape")) RemoveAll(annotations, k => k is "prometheus.io/scrape" or "prometheus.io/port" or "prometheus.io/path");
        RemoveAll(annotations, k => k.StartsWith(SidecarPlaces.Prefix, StringComparison.Ordinal));
        if (annotations.Count == 0) ((JsonObject)template["metadata"]!).Remove("annotations");
        if (template["metadata"] is JsonObject { Count: 0 }) template.Remove("metadata");
        return true;

        bool Added(string what) => annotations[SidecarPlaces.Prefix + what] is not null;
    }

    private static JsonObject Container(SidecarSpec sidecar) => new()
    {
        ["name"] = SidecarPlaces.Container,
        ["image"] = sidecar.Image,
        ["imagePullPolicy"] = sidecar.ImagePullPolicy,
        ["restartPolicy"] = "Always",
        ["env"] = new JsonArray(
            new JsonObject { ["name"] = "ASPIREMESH_BOOTSTRAP", ["value"] = "/etc/aspiremesh/bootstrap.json" },
            new JsonObject { ["name"] = "ASPIREMESH_INSTANCE", ["valueFrom"] = new JsonObject { ["fieldRef"] = new JsonObject { ["fieldPath"] = "metadata.name" } } },
            new JsonObject { ["name"] = "OTEL_EXPORTER_OTLP_ENDPOINT", ["value"] = sidecar.OtlpEndpoint }),
        ["ports"] = new JsonArray(
            new JsonObject { ["name"] = "mesh-inbound", ["containerPort"] = SidecarPlaces.InboundPort, ["protocol"] = "TCP" },
            new JsonObject { ["name"] = "mesh-admin", ["containerPort"] = SidecarPlaces.AdminPort, ["protocol"] = "TCP" }),
        ["startupProbe"] = Probe("/readyz", 1, 120),
        ["readinessProbe"] = Probe("/readyz", 5, 2),
        ["livenessProbe"] = Probe("/healthz", 10, 3),
        ["resources"] = new JsonObject
        {
            ["requests"] = new JsonObject { ["cpu"] = sidecar.CpuRequest, ["memory"] = sidecar.MemoryRequest },
            ["limits"] = new JsonObject { ["memory"] = sidecar.MemoryLimit },
        },
        ["securityContext"] = sidecar.InterceptImage is null ? Rights() : As(SidecarPlaces.SidecarUser, Rights()),
        ["volumeMounts"] = new JsonArray(
            [new JsonObject { ["name"] = Bootstrap, ["mountPath"] = "/etc/aspiremesh", ["readOnly"] = true }, .. sidecar.Spire ? [AgentMount()] : JoinMounts()]),
    };

    private static JsonNode[] JoinMounts() =>
    [
        new JsonObject { ["name"] = Trust, ["mountPath"] = "/etc/aspiremesh-trust", ["readOnly"] = true },
        new JsonObject { ["name"] = Token, ["mountPath"] = "/var/run/secrets/aspiremesh", ["readOnly"] = true },
    ];

    /// <summary>Where a container finds the SPIRE agent's socket.</summary>
    public static JsonObject AgentMount() => new() { ["name"] = Spire, ["mountPath"] = "/spiffe-workload-api", ["readOnly"] = true };

    /// <summary>The SPIRE agent's socket, by SPIFFE's CSI driver: no pod needs a part of its node's file system for it.</summary>
    public static JsonObject AgentVolume() => new() { ["name"] = Spire, ["csi"] = new JsonObject { ["driver"] = "csi.spiffe.io", ["readOnly"] = true } };

    /// <summary>No rights at all: not root, nothing to gain, no capability, nothing to write.</summary>
    public static JsonObject Rights() => new()
    {
        ["runAsNonRoot"] = true,
        ["readOnlyRootFilesystem"] = true,
        ["allowPrivilegeEscalation"] = false,
        ["capabilities"] = new JsonObject { ["drop"] = new JsonArray("ALL") },
        ["seccompProfile"] = new JsonObject { ["type"] = "RuntimeDefault" },
    };

    /// <summary>Runs to its end before everything else, and is the only one that may change the pod's network.</summary>
    private static JsonObject Intercept(SidecarSpec sidecar) => new()
    {
        ["name"] = SidecarPlaces.InterceptContainer,
        ["image"] = sidecar.InterceptImage,
        ["imagePullPolicy"] = sidecar.ImagePullPolicy,
        ["args"] = new JsonArray("intercept", "--port", Text(SidecarPlaces.InterceptPort), "--user", Text(SidecarPlaces.SidecarUser)),
        ["securityContext"] = new JsonObject
        {
            ["runAsUser"] = 0,
            ["runAsNonRoot"] = false,
            ["readOnlyRootFilesystem"] = true,
            ["allowPrivilegeEscalation"] = false,
            ["capabilities"] = new JsonObject { ["drop"] = new JsonArray("ALL"), ["add"] = new JsonArray("NET_ADMIN") },
            ["seccompProfile"] = new JsonObject { ["type"] = "RuntimeDefault" },
        },
    };

    private static JsonObject As(int user, JsonObject rights)
    {
        rights["runAsUser"] = user;
        return rights;
    }

    private static IEnumerable<JsonObject> MakeVolumes(SidecarSpec sidecar)
    {
        yield return new() { ["name"] = Bootstrap, ["configMap"] = new JsonObject { ["name"] = SidecarPlaces.BootstrapConfigMap(sidecar.Workload) } };
        if (sidecar.Spire)
        {
            yield return AgentVolume();
            yield break;
        }
        // Written by the control plane once it has a CA: the sidecar waits for it.
        yield return new() { ["name"] = Trust, ["configMap"] = new JsonObject { ["name"] = SidecarPlaces.TrustBundle, ["optional"] = true } };
        yield return new()
        {
            ["name"] = Token,
            ["projected"] = new JsonObject { ["sources"] = new JsonArray(new JsonObject { ["serviceAccountToken"] = new JsonObject { ["audience"] = SidecarPlaces.Audience, ["expirationSeconds"] = 3600, ["path"] = "token" } }) },
        };
    }

    private static JsonObject Probe(string path, int seconds, int failures) =>
        new() { ["httpGet"] = new JsonObject { ["path"] = path, ["port"] = "mesh-admin" }, ["periodSeconds"] = seconds, ["failureThreshold"] = failures };

    private static JsonObject Map(JsonObject parent, string key)
    {
        if (parent[key] is JsonObject map) return map;
        parent[key] = map = [];
        return map;
    }

    private static JsonArray Items(JsonObject parent, string key)
    {
        if (parent[key] is JsonArray list) return list;
        parent[key] = list = [];
        return list;
    }

    private static void RemoveItems(JsonObject parent, string key, Predicate<JsonObject> which)
    {
        if (parent[key] is not JsonArray list) return;
        foreach (var item in list.OfType<JsonObject>().Where(i => which(i)).ToArray()) list.Remove(item);
        if (list.Count == 0) parent.Remove(key);
    }

    private static void RemoveAll(JsonObject map, Predicate<string> which)
    {
        foreach (var key in map.Select(e => e.Key).Where(k => which(k)).ToArray()) map.Remove(key);
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
