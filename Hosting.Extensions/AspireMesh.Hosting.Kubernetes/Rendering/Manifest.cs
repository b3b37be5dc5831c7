using System.Text.Json.Nodes;

namespace AspireMesh.Hosting.Kubernetes.Rendering;

/// <summary>One Kubernetes object, as a tree that keeps the order it was written in.</summary>
public sealed record Manifest
{
    /// <summary>Makes an object.</summary>
    /// <param name="apiVersion">Group and version.</param>
    /// <param name="kind">Kind.</param>
    /// <param name="name">Name, unique per kind and namespace.</param>
    /// <param name="ns">Namespace; null for cluster-wide kinds.</param>
    /// <param name="rest">Everything after metadata: usually <c>spec</c>.</param>
    /// <param name="labels">Labels; null for none.</param>
    /// <param name="annotations">Annotations; null for none.</param>
    public Manifest(string apiVersion, string kind, string name, string? ns, JsonObject rest, JsonObject? labels = null, JsonObject? annotations = null)
    {
        (ApiVersion, Kind, Name, Namespace) = (apiVersion, kind, name, ns);
        var metadata = new JsonObject { ["name"] = name };
        if (ns is not null) metadata["namespace"] = ns;
        if (labels is not null) metadata["labels"] = labels;
        if (annotations is not null) metadata["annotations"] = annotations;
        var body = new JsonObject { ["apiVersion"] = apiVersion, ["kind"] = kind, ["metadata"] = metadata };
        foreach (var (key, value) in rest.ToArray())
        {
            rest.Remove(key);
            body[key] = value;
        }
        Body = body;
    }

    /// <summary>Group and version.</summary>
    public string ApiVersion { get; }

    /// <summary>Kind.</summary>
    public string Kind { get; }

    /// <summary>Name.</summary>
    public string Name { get; }

    /// <summary>Namespace; null for cluster-wide kinds.</summary>
    public string? Namespace { get; }

    /// <summary>The whole object.</summary>
    public JsonObject Body { get; }

    /// <summary>The file it is written to: <c>{kind}-{name}.yaml</c> in lower case, so one object is one reviewed file.</summary>
    public string FileName => $"{Kind}-{Name}.yaml".ToLowerInvariant();
}
