using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using AspireMesh.Host.Kubernetes;
using AspireMesh.Manifests.Injecting;
using AspireMesh.Protocol;
using AspireMesh.Protocol.Model;
using k8s.Models;

namespace AspireMesh.Rehearsal.Reading;

/// <summary>
/// Manifests as they can be run on one loopback address: one pod of each workload, its ports those of the plan, and whatever names a port of the pod, a Service or a
/// mounted file names the one that is here instead: variables, arguments, and the ConfigMaps and Secrets that this workload alone uses. Pure.
/// </summary>
internal static class LoopbackManifests
{
    private const string Loopback = "127.0.0.1";

    public static ManifestSet Of(ManifestSet manifests, LoopbackPlan plan, Func<string, string, string> volumes)
    {
        JsonObject[] objects = [.. manifests.Objects.Select(o => o.DeepClone().AsObject())];
        var workloads = manifests.Workloads().ToArray();
        var services = manifests.Of<V1Service>("Service").Where(s => s.Spec.Selector is { Count: > 0 }).ToArray();
        var used = workloads.SelectMany(w => Sources(w.Template.Spec).Distinct().Select(s => (Source: s, Workload: w.Name))).ToLookup(s => s.Source, s => s.Workload);
        var texts = workloads.ToDictionary(w => w.Name, w => new WorkloadText(plan.Ports[w.Name], Services(services, workloads, plan.Ports, manifests.Namespace), Mounts(w.Name, w.Template.Spec, volumes)));
        foreach (var body in objects)
        {
            var (kind, name) = ((string)body["kind"]!, (string)body["metadata"]!["name"]!);
            if (kind is "Deployment" or "StatefulSet") Rewrite(body, texts[name], plan.Ports[name]);
            else if (kind == "ConfigMap" && name == ClusterNames.Mesh && plan.Model is not null) body["data"]![ClusterNames.MeshKey] = JsonSerializer.Serialize(Model(plan, workloads), MeshJson.Default.MeshModel);
            else if (kind is "ConfigMap" or "Secret" && used[(kind, name)].ToArray() is [var only]) RewriteData(body, texts[only]);
            else if (kind == "Service" && workloads.FirstOrDefault(w => IsChosen(w.Template, body)) is { Name: { } chosen }) RewriteService(body, plan.Ports[chosen]);
        }
        return new ManifestSet(manifests.Folder, manifests.Namespace, objects) { MadeUp = manifests.MadeUp };
    }

    private static void Rewrite(JsonObject body, WorkloadText text, IReadOnlyDictionary<int, int> ports)
    {
        var spec = (JsonObject)body["spec"]!;
        spec["replicas"] = 1;
        var pod = (JsonObject)spec["template"]!["spec"]!;
        foreach (var redirect in Items(pod, "initContainers").Where(c => (string?)c["name"] == SidecarPlaces.InterceptContainer)) ((JsonArray)pod["initContainers"]!).Remove(redirect);
        foreach (var container in Items(pod, "containers").Concat(Items(pod, "initContainers")))
        {
            foreach (var port in Items(container, "ports"))
            {
                var number = Whole(port["containerPort"]) ?? 0;
                port["containerPort"] = ports[number];
                // For programs that take their port from nowhere else.
                Add(container, "env", new JsonObject { ["name"] = $"ASPIREMESH_PORT_{number}", ["value"] = $"{ports[number]}" });
            }
            foreach (var variable in Items(container, "env").Where(v => v["value"] is JsonValue && !((string)v["name"]!).StartsWith("ASPIREMESH_PORT_", StringComparison.Ordinal)).ToArray())
            {
                (variable["name"], variable["value"]) = Variable((string)variable["name"]!, (string)variable["value"]!, text);
            }
            foreach (var list in new[] { "args", "command" })
            {
                if (container[list] is JsonArray words) container[list] = new JsonArray([.. words.Select(w => JsonValue.Create(text.Of((string)w!)))]);
            }
            if ((string?)container["name"] == ClusterNames.ControlPlane)
            {
                foreach (var word in new[] { "--listen", $"{Loopback}:{ports[ClusterNames.ControlPort]}", "--admin", $"{Loopback}:{ports[ClusterNames.AdminPort]}" }) Add(container, "args", JsonValue.Create(word));
            }
            foreach (var probe in new[] { container["startupProbe"], container["readinessProbe"] }.OfType<JsonObject>())
            {
                foreach (var way in new[] { probe["httpGet"], probe["tcpSocket"], probe["grpc"] }.OfType<JsonObject>()) RewritePort(way, "port", ports);
            }
        }
    }

    private static void RewriteData(JsonObject body, WorkloadText text)
    {
        foreach (var section in new[] { "data", "stringData" })
        {
            if (body[section] is not JsonObject data) continue;
            var encoded = section == "data" && (string?)body["kind"] == "Secret";
            body[section] = new JsonObject(data.Select(entry =>
            {
                var value = (string?)entry.Value ?? "";
                var (key, changed) = Variable(entry.Key, encoded ? Encoding.UTF8.GetString(Convert.FromBase64String(value)) : value, text);
                return KeyValuePair.Create(key, (JsonNode?)(encoded ? Convert.ToBase64String(Encoding.UTF8.GetBytes(changed)) : changed));
            }));
        }
    }

    /// <summary>ASP.NET Core would listen on every address of this machine for <c>HTTP_PORTS</c>; in a pod that is the pod's own, here it is loopback.</summary>
    private static (string Name, string Value) Variable(string name, string value, WorkloadText text)
    {
        var changed = text.Of(value);
        return name is "HTTP_PORTS" or "ASPNETCORE_HTTP_PORTS" ? ("ASPNETCORE_URLS", string.Join(';', changed.Split(';', StringSplitOptions.RemoveEmptyEntries).Select(p => $"http://{Loopback}:{p}"))) : (name, changed);
    }

    private static void RewriteService(JsonObject body, IReadOnlyDictionary<int, int> ports)
    {
        foreach (var port in Items((JsonObject)body["spec"]!, "ports"))
        {
            port["targetPort"] ??= port["port"]!.DeepClone();
            RewritePort(port, "targetPort", ports);
        }
    }

    private static MeshModel Model(LoopbackPlan plan, (string Name, int Replicas, V1PodTemplateSpec Template)[] workloads)
    {
        string At(string workload, string address)
        {
            var pod = workloads.FirstOrDefault(w => w.Template.Spec.ServiceAccountName == workload).Name;
            var port = int.Parse(address.AsSpan(address.LastIndexOf(':') + 1), NumberStyles.None, CultureInfo.InvariantCulture);
            return pod is null ? address : $"{Loopback}:{plan.Ports[pod].GetValueOrDefault(port, port)}";
        }
        var model = plan.Model!;
        return model with
        {
            Workloads = [.. model.Workloads.Select(w => w with
            {
                Intercept = null,
                Sidecars = [.. w.Sidecars.Select(s => s with { Inbound = At(w.Name, s.Inbound), Admin = At(w.Name, s.Admin) })],
                Endpoints = [.. w.Endpoints.Select(e => e.App is null ? e : e with { App = At(w.Name, e.App) })],
            })],
            Edges = [.. model.Edges.Select(e => e with { Listen = e.Listen.ToImmutableDictionary(l => l.Key, l => At(e.From, l.Value)) })],
            Gateways = [.. model.Gateways.Select(g => g with { Listen = At(g.Workload, g.Listen) })],
        };
    }

    private static Dictionary<string, int> Services(V1Service[] services, (string Name, int Replicas, V1PodTemplateSpec Template)[] workloads, IReadOnlyDictionary<string, IReadOnlyDictionary<int, int>> ports, string ns)
    {
        var addresses = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var service in services)
        {
            if (workloads.FirstOrDefault(w => PodPlan.IsChosenBy(w.Template.Metadata?.Labels, service.Spec.Selector)) is not { Name: { } chosen } workload) continue;
            foreach (var port in service.Spec.Ports ?? [])
            {
                if (PodPlan.Port(workload.Template.Spec, port.TargetPort?.Value ?? $"{port.Port}") is not { } target || !ports[chosen].TryGetValue(target, out var here)) continue;
                var name = service.Metadata.Name;
                foreach (var host in new[] { name, $"{name}.{ns}", $"{name}.{ns}.svc", $"{name}.{ns}.svc.cluster.local" }) addresses[$"{host}:{port.Port}"] = here;
            }
        }
        return addresses;
    }

    // What is mounted at /tmp is the machine's own /tmp here.
    private static Dictionary<string, string> Mounts(string workload, V1PodSpec pod, Func<string, string, string> volumes) => pod.Containers.Concat(pod.InitContainers ?? [])
        .SelectMany(c => c.VolumeMounts ?? []).Where(m => m.MountPath.TrimEnd('/') != "/tmp").DistinctBy(m => m.MountPath)
        .ToDictionary(m => m.MountPath.TrimEnd('/'), m => Path.Combine(volumes(PodPlan.NameOf(workload, 0), m.Name), m.SubPath ?? ""), StringComparer.Ordinal);

    private static IEnumerable<(string Kind, string Name)> Sources(V1PodSpec pod)
    {
        foreach (var container in pod.Containers.Concat(pod.InitContainers ?? []))
        {
            foreach (var source in container.EnvFrom ?? []) yield return source.ConfigMapRef is { } map ? ("ConfigMap", map.Name) : ("Secret", source.SecretRef.Name);
            foreach (var source in (container.Env ?? []).Select(e => e.ValueFrom).OfType<V1EnvVarSource>())
            {
                if (source.ConfigMapKeyRef is { } map) yield return ("ConfigMap", map.Name);
                if (source.SecretKeyRef is { } secret) yield return ("Secret", secret.Name);
            }
        }
        foreach (var volume in pod.Volumes ?? [])
        {
            if (volume.ConfigMap is { } map) yield return ("ConfigMap", map.Name);
            if (volume.Secret is { } secret) yield return ("Secret", secret.SecretName);
        }
    }

    private static bool IsChosen(V1PodTemplateSpec template, JsonObject service) =>
        PodPlan.IsChosenBy(template.Metadata?.Labels, (service["spec"]?["selector"] as JsonObject)?.ToDictionary(s => s.Key, s => (string?)s.Value ?? ""));

    private static void RewritePort(JsonObject owner, string key, IReadOnlyDictionary<int, int> ports)
    {
        // A name leads to a container's port, which has changed itself.
        if (Whole(owner[key]) is { } number && ports.TryGetValue(number, out var here)) owner[key] = here;
    }

    private static int? Whole(JsonNode? node) => node?.GetValueKind() == JsonValueKind.Number ? int.Parse(node.ToJsonString(), CultureInfo.InvariantCulture) : null;

    private static void Add(JsonObject owner, string key, JsonNode item)
    {
        if (owner[key] is not JsonArray list) owner[key] = list = [];
        list.Add(item);
    }

    private static JsonObject[] Items(JsonObject owner, string key) => [.. (owner[key] as JsonArray ?? []).OfType<JsonObject>()];

    /// <summary>Replaces what a workload's texts name by what is here, each place once.</summary>
    private sealed class WorkloadText
    {
        private readonly IReadOnlyDictionary<int, int> _ports;
        private readonly Dictionary<string, int> _services;
        private readonly Dictionary<string, string> _mounts;
        private readonly Regex _names;

        public WorkloadText(IReadOnlyDictionary<int, int> ports, Dictionary<string, int> services, Dictionary<string, string> mounts)
        {
            (_ports, _services, _mounts) = (ports, services, mounts);
            // A group that is empty would match everywhere.
            string Any(IEnumerable<string> words) => string.Join('|', words.OrderByDescending(w => w.Length).Select(Regex.Escape).DefaultIfEmpty("(?!)"));
            _names = new Regex(
                $@"(?<service>(?<![\w.-])(?:{Any(services.Keys)})(?!\d))|(?<mount>(?<![\w.-])(?:{Any(mounts.Keys)})(?![\w.-]))|(?<any>0\.0\.0\.0:|\[::\]:|\*:)?(?<![\w.])(?<port>{Any(ports.Keys.Select(p => $"{p}"))})(?![\w.])",
                RegexOptions.CultureInvariant);
        }

        public string Of(string text) => _names.Replace(text, found =>
        {
            if (found.Groups["service"].Success) return $"{Loopback}:{_services[found.Value]}";
            if (found.Groups["mount"].Success) return _mounts[found.Value];
            var port = _ports[int.Parse(found.Groups["port"].Value, CultureInfo.InvariantCulture)];
            return found.Groups["any"].Success ? $"{Loopback}:{port}" : $"{port}";
        });
    }
}
