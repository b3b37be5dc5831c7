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
            for (var i = 0; i < replicas; i++) pods.Add(new PodPlan(name, NameOf(name, i), address(pods.Count), template));
        }
        return pods;
    }

    /// <summary>The name of a workload's pod by its number, from 0.</summary>
    public static string NameOf(string workload, int number) => $"{workload}-{number}";

    /// <summary>The workload that a pod's name came from.</summary>
    public static string WorkloadOf(string pod) => pod[..pod.LastIndexOf('-')];

    /// <summary>Whether a Service's selector chooses it.</summary>
    public bool IsChosenBy(IDictionary<string, string>? selector) => IsChosenBy(Labels, selector);

    /// <summary>Whether a selector chooses pods with these labels.</summary>
    public static bool IsChosenBy(IDictionary<string, string>? labels, IDictionary<string, string>? selector) =>
        labels is not null && selector is { Count: > 0 } && selector.All(s => labels.TryGetValue(s.Key, out var value) && value == s.Value);

    /// <summary>The number of a container's port that a probe or a Service names.</summary>
    public int? Port(string numberOrName) => Port(Spec, numberOrName);

    /// <summary>The same of a pod's template.</summary>
    public static int? Port(V1PodSpec spec, string numberOrName)
    {
        if (int.TryParse(numberOrName, out var number)) return number;
        return spec.Containers.Concat(spec.InitContainers ?? []).SelectMany(c => c.Ports ?? []).FirstOrDefault(p => p.Name == numberOrName)?.ContainerPort;
    }
}
