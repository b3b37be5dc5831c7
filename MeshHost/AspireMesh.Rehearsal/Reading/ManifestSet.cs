using System.Text.Json;
using System.Text.Json.Nodes;
using AspireMesh.Protocol.Diagnostics;
using k8s;
using k8s.Models;

namespace AspireMesh.Rehearsal.Reading;

/// <summary>Every object that would be applied to the cluster.</summary>
internal sealed class ManifestSet(string folder, string ns, IReadOnlyList<JsonObject> objects)
{
    /// <summary>Where they were read.</summary>
    public string Folder => folder;

    /// <summary>The namespace they go to.</summary>
    public string Namespace => ns;

    public IReadOnlyList<JsonObject> Objects => objects;

    /// <summary>Names of secrets whose values were made up, since the chart has none.</summary>
    public IReadOnlyList<string> MadeUp { get; init; } = [];

    /// <summary>The objects of one kind.</summary>
    public IEnumerable<T> Of<T>(string kind) => OfKind(kind).Select(Typed<T>);

    private static T Typed<T>(JsonObject body)
    {
        try
        {
            return KubernetesJson.Deserialize<T>(body.ToJsonString());
        }
        catch (JsonException e)
        {
            throw new MeshValidationException([MeshDiagnostics.BadManifest.Found($"{body["kind"]} '{body["metadata"]?["name"]}' has a value of a kind that Kubernetes does not take, at {e.Path}. Correct it where it is written; a number must not be quoted.")]);
        }
    }

    /// <summary>The objects of one kind, as they stand there.</summary>
    public IEnumerable<JsonObject> OfKind(string kind) => objects.Where(o => (string?)o["kind"] == kind);

    /// <summary>The pods' templates: name, how many, and what each looks like.</summary>
    public IEnumerable<(string Name, int Replicas, V1PodTemplateSpec Template)> Workloads()
    {
        foreach (var one in Of<V1Deployment>("Deployment")) yield return (one.Metadata.Name, one.Spec.Replicas ?? 1, one.Spec.Template);
        foreach (var one in Of<V1StatefulSet>("StatefulSet")) yield return (one.Metadata.Name, one.Spec.Replicas ?? 1, one.Spec.Template);
    }

    /// <summary>Checks that a rehearsal can make sense of them.</summary>
    /// <exception cref="MeshValidationException">It cannot; carries every reason.</exception>
    public void Check()
    {
        var problems = new ProblemList();
        if (!Workloads().Any()) problems.Add(MeshDiagnostics.BadDocument, $"'{folder}' has no Deployment and no StatefulSet. Give the folder that publishing wrote: aspiremesh rehearse out/");
        foreach (var (name, _, template) in Workloads())
        {
            foreach (var volume in template.Spec.Volumes ?? [])
            {
                if (volume.ConfigMap is null && volume.Secret is null && volume.Projected is null && volume.EmptyDir is null && volume.PersistentVolumeClaim is null)
                {
                    problems.Add(MeshDiagnostics.BadDocument, $"Workload '{name}', volume '{volume.Name}': its kind cannot be rehearsed. Use a ConfigMap, a Secret, a projected volume, an emptyDir or a claim.");
                }
            }
        }
        problems.ThrowIfAny();
    }
}
