using AspireMesh.Rehearsal.Reading;

namespace AspireMesh.Rehearsal;

/// <summary>What a rehearsal does not show: said at the start, so that nobody takes it for shown.</summary>
internal static class Differences
{
    private static readonly Dictionary<string, string> NotRehearsed = new()
    {
        ["NetworkPolicy"] = "network policies are not enforced",
        ["Role"] = "permissions are not enforced: every program may make the calls that the stand-in API server knows",
        ["HorizontalPodAutoscaler"] = "nothing is scaled",
        ["Ingress"] = "there is no ingress controller; pods are reached at their addresses",
        ["HTTPRoute"] = "there is no gateway of the cluster's; pods are reached at their addresses",
        ["Job"] = "jobs are not run",
        ["CronJob"] = "jobs are not run",
        ["DaemonSet"] = "daemon sets are not run",
        ["PersistentVolumeClaim"] = "claims are empty folders that end with the rehearsal",
    };

    public static IReadOnlyList<string> Of(ManifestSet manifests, ContainerPrograms images)
    {
        var found = new List<string> { "images are not built: their programs run from where they were built, on this machine's files", "requests and limits of resources are not enforced" };
        found.AddRange(NotRehearsed.Where(n => manifests.OfKind(n.Key).Any()).Select(n => n.Value).Distinct());
        foreach (var image in images.Unknown) found.Add($"the image '{image}' is not run, since {RehearsalPrograms.FileName} does not say what it is made of");
        foreach (var image in images.Replaced) found.Add($"in place of the image '{image}' the program of this machine runs, with fresh data");
        return found;
    }
}
