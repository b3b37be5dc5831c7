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
/// Puts sidecars into Kubernetes YAML that nobody published from an AppHost, and takes them out again. Documents without pods keep their text to the byte, and those with
/// pods get theirs back; what is added for a pod (its bootstrap, its ServiceAccount, a Service for the inbound port) goes to the end. Done twice it gives the same bytes.
/// </summary>
public static class ManifestInjector
{
    private const string AddedLabel = SidecarPlaces.Prefix + "injected";
    private const string AddedMark = "--- # added by aspiremesh inject\n";
    // The text before had no line break at its end.
    private const string AddedMarkAfterBreak = "--- # added by aspiremesh inject, with the line break before\n";

    /// <summary>The text with a sidecar in every pod.</summary>
    /// <param name="text">One or several documents.</param>
    /// <param name="name">Names the text in messages.</param>
    /// <param name="options">What the sidecars are told.</param>
    /// <param name="notice">Takes what is no error but worth knowing; null for nobody.</param>
    /// <exception cref="MeshValidationException">It is no Kubernetes YAML, or a pod cannot have a sidecar; carries every reason.</exception>
    public static string Inject(string text, string name, InjectOptions options, Action<string>? notice = null)
    {
        var before = RawDocuments.Of(text).Any(d => d.Mark.Contains("aspiremesh inject", StringComparison.Ordinal) || KeptOriginal.Of(d.Body) is not null);
        var clean = before ? Uninject(text, name) : text;
        if (before) notice?.Invoke($"'{name}' had our sidecars already; they were put in anew.");
        var problems = new ProblemList();
        var added = new SortedDictionary<string, string>(StringComparer.Ordinal);
        var changed = Change(clean, name, keep: true, problems, (owner, template) =>
        {
            var what = $"'{name}': {owner["kind"]} '{owner["metadata"]?["name"]}'";
            if (SidecarPod.Remove(template)) notice?.Invoke($"{what} had our sidecar already; it was put in anew.");
            if (Workload(owner, template) is not { } workload)
            {
                problems.Add(MeshDiagnostics.BadManifest, $"'{name}': a {owner["kind"]} has no metadata.name, which would be its identity. Give it one.");
                return false;
            }
            if (template["spec"]!["hostNetwork"]?.ToString() == "true") problems.Add(MeshDiagnostics.CannotInject, $"{what} uses the node's network (hostNetwork): its sidecar's ports would be the node's, and one pod's those of another. Take hostNetwork out, or leave it without a sidecar.");
            if (ForeignSidecars.In(template) is { } other) problems.Add(MeshDiagnostics.CannotInject, $"{what} has or asks for a sidecar of {other.Mesh} ({other.Sign}), and one connection cannot belong to two meshes. Take that out first.");
            SidecarPod.Add(template, new SidecarSpec { Workload = workload, Image = options.Image });
            foreach (var body in Companions(workload, template, options)) added[$"{workload}/{body["kind"]}"] = ManifestYaml.Write(body);
            return true;
        });
        problems.ThrowIfAny();
        var result = RawDocuments.Join(changed);
        var breaks = clean.Contains("\r\n", StringComparison.Ordinal) ? "\r\n" : "\n";
        foreach (var body in added.Values)
        {
            var open = result.Length > 0 && !result.EndsWith('\n');
            result += $"{(open ? breaks : "")}{(open ? AddedMarkAfterBreak : AddedMark).ReplaceLineEndings(breaks)}{body.ReplaceLineEndings(breaks)}";
        }
        return result;
    }

    /// <summary>The text without what <see cref="Inject"/> added: the bytes from before, where a document was not changed since.</summary>
    /// <param name="text">One or several documents.</param>
    /// <param name="name">Names the text in messages.</param>
    /// <exception cref="MeshValidationException">It is no YAML; carries every reason.</exception>
    public static string Uninject(string text, string name)
    {
        var problems = new ProblemList();
        var changed = Change(text, name, keep: false, problems, (_, template) => SidecarPod.Remove(template));
        problems.ThrowIfAny();
        return RawDocuments.Join(changed);
    }

    private static List<RawDocument> Change(string text, string name, bool keep, ProblemList problems, Func<JsonObject, JsonObject, bool> change)
    {
        var breaks = text.Contains("\r\n", StringComparison.Ordinal) ? "\r\n" : "\n";
        var documents = new List<RawDocument>();
        foreach (var raw in RawDocuments.Of(text))
        {
            if (!keep && KeptOriginal.Of(raw.Body) is { } original)
            {
                documents.Add(new RawDocument("", original, raw.Line));
                continue;
            }
            if (Read(raw, name, problems) is not { } body)
            {
                documents.Add(raw);
                continue;
            }
            if (body["metadata"]?["labels"]?[AddedLabel] is not null)
            {
                if (raw.Mark.Contains("line break before", StringComparison.Ordinal) && documents.Count > 0) documents[^1] = documents[^1] with { Body = WithoutBreak(documents[^1].Body) };
                continue;
            }
            var touched = false;
            foreach (var (owner, template) in Pods(body)) touched |= change(owner, template);
            var written = touched ? ManifestYaml.Write(body) : "";
            // What stood on the mark's own line stands below it now.
            var mark = touched && raw.Mark.Length > 0 && !raw.Mark.EndsWith('\n') ? raw.Mark + breaks : raw.Mark;
            documents.Add(touched ? new RawDocument(mark, (keep ? KeptOriginal.Keep(written, raw.Mark + raw.Body) : written).ReplaceLineEndings(breaks), raw.Line) : raw);
        }
        return documents;
    }

    private static JsonObject? Read(RawDocument raw, string name, ProblemList problems)
    {
        if (!raw.HasContent) return null;
        try
        {
            return YamlDocuments.Read(raw.Placed, name) is [var body] ? body : null;
        }
        catch (MeshValidationException e)
        {
            foreach (var problem in e.Problems) problems.Add(problem);
            return null;
        }
    }

    private static string WithoutBreak(string text) => text.EndsWith("\r\n", StringComparison.Ordinal) ? text[..^2] : text.EndsWith('\n') ? text[..^1] : text;

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
}
