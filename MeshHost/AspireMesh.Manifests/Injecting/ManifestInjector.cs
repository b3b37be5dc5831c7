using System.Text;
using System.Text.Json.Nodes;
using AspireMesh.Manifests.Yaml;
using AspireMesh.Protocol.Diagnostics;

namespace AspireMesh.Manifests.Injecting;

/// <summary>What <c>inject</c> tells the sidecars.</summary>
/// <param name="Image">The proxy's image.</param>
/// <param name="TrustDomain">The mesh's trust domain.</param>
/// <param name="Namespace">The namespace that the manifests go to.</param>
public sealed record InjectOptions(string Image, string TrustDomain, string Namespace);

/// <summary>
/// Puts sidecars into Kubernetes YAML that nobody published from an AppHost, and takes them out again. Documents without pods keep their text to the byte; what is
/// added for a pod (its bootstrap, its ServiceAccount, a Service for the inbound port) goes to the end. Done twice it gives the same bytes.
/// </summary>
public static class ManifestInjector
{
    private const string AddedLabel = SidecarPlaces.Prefix + "injected";

    /// <summary>The text with a sidecar in every pod.</summary>
    /// <param name="text">One or several documents.</param>
    /// <param name="name">Names the text in messages.</param>
    /// <param name="options">What the sidecars are told.</param>
    /// <exception cref="MeshValidationException">It is no Kubernetes YAML, or a pod has no name; carries every reason.</exception>
    public static string Inject(string text, string name, InjectOptions options)
    {
        var problems = new ProblemList();
        var added = new SortedDictionary<string, string>(StringComparer.Ordinal);
        var changed = Change(text, name, (owner, template) =>
        {
            SidecarPod.Remove(template);
            if (Workload(owner, template) is not { } workload)
            {
                problems.Add(MeshDiagnostics.BadManifest, $"'{name}': a {owner["kind"]} has no metadata.name, which would be its identity. Give it one.");
                return false;
            }
            SidecarPod.Add(template, new SidecarSpec { Workload = workload, Image = options.Image });
            foreach (var body in Companions(workload, template, options)) added[$"{workload}/{body["kind"]}"] = ManifestYaml.Write(body);
            return true;
        });
        problems.ThrowIfAny();
        return Join([.. changed, .. added.Values]);
    }

    /// <summary>The text without what <see cref="Inject"/> added.</summary>
    /// <param name="text">One or several documents.</param>
    /// <param name="name">Names the text in messages.</param>
    public static string Uninject(string text, string name) => Join(Change(text, name, (_, template) => SidecarPod.Remove(template)));

    private static List<string> Change(string text, string name, Func<JsonObject, JsonObject, bool> change)
    {
        var documents = new List<string>();
        foreach (var raw in Split(text))
        {
            if (YamlDocuments.Read(raw, name) is not [var body])
            {
                documents.Add(raw);
                continue;
            }
            if (body["metadata"]?["labels"]?[AddedLabel] is not null) continue;
            var touched = false;
            foreach (var (owner, template) in Pods(body)) touched |= change(owner, template);
            documents.Add(touched ? ManifestYaml.Write(body) : raw);
        }
        return documents;
    }

    /// <summary>The pods of an object: itself, or its template.</summary>
    private static IEnumerable<(JsonObject Owner, JsonObject Template)> Pods(JsonObject body)
    {
        var template = body["kind"] is JsonValue kind ? kind.ToString() switch
        {
            "Pod" => body,
            "Deployment" or "StatefulSet" or "DaemonSet" or "ReplicaSet" or "Job" => body["spec"]?["template"],
            "CronJob" => body["spec"]?["jobTemplate"]?["spec"]?["template"],
            _ => null,
        } : null;
        if (template is JsonObject { } found && found["spec"] is JsonObject) yield return (body, found);
        if (body["kind"]?.ToString() != "List" || body["items"] is not JsonArray items) yield break;
        foreach (var pod in items.OfType<JsonObject>().SelectMany(Pods)) yield return pod;
    }

    /// <summary>The identity: the pod's ServiceAccount where it has one of its own, else the object's name.</summary>
    private static string? Workload(JsonObject owner, JsonObject template) =>
        template["spec"]!["serviceAccountName"]?.ToString() is { Length: > 0 } account && account != "default" ? account : owner["metadata"]?["name"]?.ToString();

    private static IEnumerable<JsonObject> Companions(string workload, JsonObject template, InjectOptions options)
    {
        yield return Companion("ConfigMap", SidecarPlaces.BootstrapConfigMap(workload), workload, new() { ["data"] = new JsonObject { ["bootstrap.json"] = SidecarBootstrapFile.Text(workload, options.TrustDomain, options.Namespace) } });
        if (template["metadata"]?["annotations"]?[SidecarPlaces.Prefix + "service-account"] is not null)
        {
            yield return Companion("ServiceAccount", workload, workload, new() { ["automountServiceAccountToken"] = false });
        }
        if (template["metadata"]?["labels"] is not JsonObject { Count: > 0 } labels) yield break;
        var service = Companion("Service", $"{workload}-mesh", workload, new()
        {
            ["spec"] = new JsonObject
            {
                ["selector"] = labels.DeepClone(),
                ["ports"] = new JsonArray(new JsonObject { ["name"] = SidecarPlaces.InboundPortName, ["protocol"] = "TCP", ["port"] = SidecarPlaces.InboundPort, ["targetPort"] = SidecarPlaces.InboundPort }),
            },
        });
        service["metadata"]!["labels"]![SidecarPlaces.WorkloadLabel] = workload;
        yield return service;
    }

    private static JsonObject Companion(string kind, string name, string workload, JsonObject rest)
    {
        var body = new JsonObject { ["apiVersion"] = "v1", ["kind"] = kind, ["metadata"] = new JsonObject { ["name"] = name, ["labels"] = new JsonObject { [AddedLabel] = workload } } };
        foreach (var (key, value) in rest.ToArray())
        {
            rest.Remove(key);
            body[key] = value;
        }
        return body;
    }

    private static IEnumerable<string> Split(string text)
    {
        var document = new StringBuilder();
        foreach (var line in text.Replace("\r\n", "\n", StringComparison.Ordinal).Split('\n'))
        {
            if (line == "---" || line.StartsWith("--- ", StringComparison.Ordinal))
            {
                if (!string.IsNullOrWhiteSpace(document.ToString())) yield return document.ToString();
                document.Clear();
                // A comment or a document that begins on the mark's own line.
                if (line.Length > 4) document.Append(line[4..]).Append('\n');
            }
            else
            {
                document.Append(line).Append('\n');
            }
        }
        if (!string.IsNullOrWhiteSpace(document.ToString())) yield return document.ToString();
    }

    private static string Join(IEnumerable<string> documents) => string.Join("---\n", documents.Select(d => d.TrimEnd('\n') + "\n"));
}
