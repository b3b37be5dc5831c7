using System.Globalization;
using System.Text.Json.Nodes;
using AspireMesh.Hosting.Kubernetes.Rendering;

namespace AspireMesh.Hosting.Kubernetes.Tests.Validating;

/// <summary>What there is to point at: pods, Services, accounts, configuration, and every object by its kind.</summary>
internal sealed class Landscape
{
    public sealed record Pod(string Owner, Dictionary<string, string> Labels, Dictionary<string, int> Ports, string? Account);

    public sealed record Service(string Name, Dictionary<string, int> Ports, Dictionary<string, string> Selector, Dictionary<string, JsonNode?> Targets);

    public string Namespace { get; private init; } = "default";

    public List<Pod> Pods { get; } = [];

    public Dictionary<string, Service> Services { get; } = [];

    public HashSet<string> Accounts { get; } = [];

    public List<JsonObject> Objects { get; } = [];

    public bool Has(string kind, string? name) => Objects.Any(o => Text(o["kind"]) == kind && Text(o["metadata"]?["name"]) == name);

    public JsonObject? Find(string kind, string? name) => Objects.FirstOrDefault(o => Text(o["kind"]) == kind && Text(o["metadata"]?["name"]) == name);

    public bool Selects(JsonNode? labels) => labels is JsonObject wanted && Pods.Any(p => wanted.All(l => p.Labels.GetValueOrDefault(l.Key) == Text(l.Value)));

    /// <summary>The Service of a host name, short or whole; null for none of this namespace.</summary>
    public Service? Host(string? host) => host is null ? null : Services.GetValueOrDefault(host.EndsWith($".{Namespace}.svc.cluster.local", StringComparison.Ordinal) ? host[..host.IndexOf('.')] : host);

    /// <summary>A rendered chart.</summary>
    public static Landscape Of(string ns, IEnumerable<JsonObject> objects)
    {
        var land = new Landscape { Namespace = ns };
        land.Objects.AddRange(objects);
        foreach (var body in land.Objects)
        {
            var name = Text(body["metadata"]!["name"])!;
            switch (Text(body["kind"]))
            {
                case "ServiceAccount": land.Accounts.Add(name); break;
                case "Service":
                    var ports = (body["spec"]!["ports"] as JsonArray ?? []).OfType<JsonObject>().ToArray();
                    land.Services[name] = new(name, ports.ToDictionary(p => Text(p["name"])!, p => Number(p["port"])), Map(body["spec"]!["selector"]), ports.ToDictionary(p => Text(p["name"])!, p => p["targetPort"]));
                    break;
                case "Deployment" or "StatefulSet":
                    var pod = body["spec"]!["template"]!;
                    var containers = ((JsonArray)pod["spec"]!["containers"]!).Concat(pod["spec"]!["initContainers"] as JsonArray ?? []).OfType<JsonObject>();
                    var open = containers.SelectMany(c => (c["ports"] as JsonArray ?? []).OfType<JsonObject>());
                    land.Pods.Add(new(name, Map(pod["metadata"]!["labels"]), open.ToDictionary(p => Text(p["name"])!, p => Number(p["containerPort"])), Text(pod["spec"]!["serviceAccountName"])));
                    break;
            }
        }
        return land;
    }

    /// <summary>A rendering alone, with what its placement says is there.</summary>
    public static Landscape Of(MeshPlacement placement, MeshRendering rendering)
    {
        var land = Of(placement.Namespace, rendering.Objects.Select(o => o.Body));
        foreach (var (name, workload) in placement.Workloads)
        {
            land.Accounts.Add(workload.ServiceAccount);
            land.Pods.Add(new(name, workload.PodLabels.ToDictionary(), workload.Ports.ToDictionary(), workload.ServiceAccount));
            land.Services[workload.Service] = new(workload.Service, workload.Ports.ToDictionary(), [], []);
        }
        return land;
    }

    public static string? Text(JsonNode? node) => node is JsonValue value ? value.ToString() : null;

    /// <summary>A whole number, whichever type it was read as.</summary>
    public static int Number(JsonNode? node) => int.Parse(node!.ToString(), CultureInfo.InvariantCulture);

    private static Dictionary<string, string> Map(JsonNode? node) => (node as JsonObject ?? []).ToDictionary(l => l.Key, l => Text(l.Value)!);
}
