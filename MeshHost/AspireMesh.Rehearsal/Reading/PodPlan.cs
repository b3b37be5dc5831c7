using k8s.Models;

namespace AspireMesh.Rehearsal.Reading;

/// <summary>One pod to run.</summary>
/// <param name="Workload">The Deployment's or StatefulSet's name.</param>
/// <param name="Name">The pod's name.</param>
/// <param name="Ip">Its address.</param>
/// <param name="Template">What it looks like.</param>
internal sealed record PodPlan(string Workload, string Name, string Ip, V1PodTemplateSpec Template)
{
    public V1PodSpec Spec => Template.Spec;

    public string Account => Spec.ServiceAccountName ?? "default";

    public IDictionary<string, string> Labels => Template.Metadata?.Labels ?? new Dictionary<string, string>();

    /// <summary>Plans every pod. Names and addresses follow from the manifests alone, so that two rehearsals are alike.</summary>
    public static IReadOnlyList<PodPlan> Of(ManifestSet manifests, Func<int, string> address)
    {
        var pods = new List<PodPlan>();
        foreach (var (name, replicas, template) in manifests.Workloads().OrderBy(w => w.Name, StringComparer.Ordinal))
        {
            for (var i = 0; i < replicas; i++) pods.Add(new PodPlan(name, $"{name}-{i}", address(pods.Count), template));
        }
        return pods;
    }

    /// <summary>Whether a Service's selector chooses it.</summary>
    public bool IsChosenBy(IDictionary<string, string>? selector) =>
        selector is { Count: > 0 } && selector.All(s => Labels.TryGetValue(s.Key, out var value) && value == s.Value);

    /// <summary>The number of a container's port that a probe or a Service names.</summary>
    public int? Port(string numberOrName)
    {
        if (int.TryParse(numberOrName, out var number)) return number;
        return Spec.Containers.Concat(Spec.InitContainers ?? []).SelectMany(c => c.Ports ?? []).FirstOrDefault(p => p.Name == numberOrName)?.ContainerPort;
    }
}
