using AspireMesh.Rehearsal.Reading;
using k8s.Models;

namespace AspireMesh.Rehearsal;

/// <summary>What a rehearsal does not show: said at the start, so that nobody takes it for shown.</summary>
internal static class Differences
{
    private static readonly Dictionary<string, string> NotRehearsed = new()
    {
        ["NetworkPolicy"] = "network policies are not enforced",
        ["Role"] = "the pods share one way to the API server: each may ask what any of their accounts may",
        ["HorizontalPodAutoscaler"] = "nothing is scaled",
        ["Ingress"] = "there is no ingress controller; pods are reached at their addresses",
        ["HTTPRoute"] = "there is no gateway of the cluster's; pods are reached at their addresses",
        ["Job"] = "jobs are not run",
        ["CronJob"] = "jobs are not run",
        ["DaemonSet"] = "daemon sets are not run",
        ["PersistentVolumeClaim"] = "claims are empty folders that end with the rehearsal",
    };

    public static IReadOnlyList<string> Of(ManifestSet manifests, ContainerPrograms images, IReadOnlyList<string> ofSite)
    {
        var found = new List<string> { "images are not built: their programs run from where they were built, on this machine's files", "requests and limits of resources are not enforced" };
        found.AddRange(ofSite);
        if (manifests.MadeUp.Count > 0) found.Add($"secrets without a value got one that was made up: {string.Join(", ", manifests.MadeUp)}");
        if (Containers(manifests).Any(c => c.LivenessProbe is not null)) found.Add("liveness probes are not asked: a container is started again only when it ends");
        if (Containers(manifests).Any(c => c.Lifecycle is not null)) found.Add("what is to happen before a container stops (preStop) is left out");
        found.AddRange(NotRehearsed.Where(n => manifests.OfKind(n.Key).Any()).Select(n => n.Value).Distinct());
        foreach (var image in images.Unknown) found.Add($"the image '{image}' is not run, since {RehearsalPrograms.FileName} does not say what it is made of");
        foreach (var image in images.Replaced) found.Add($"in place of the image '{image}' the program of this machine runs, with fresh data");
        return found;
    }

    private static IEnumerable<V1Container> Containers(ManifestSet manifests) => manifests.Workloads().SelectMany(w => w.Template.Spec.Containers.Concat(w.Template.Spec.InitContainers ?? []));
}
