using System.Text.Json;
using AspireMesh.Host.Kubernetes;
using AspireMesh.Protocol;
using AspireMesh.Rehearsal.Reading;
using k8s.Models;

namespace AspireMesh.Rehearsal;

/// <summary>What is said once a rehearsal is ready: the same as an AppHost says, so that whoever waits for one can wait for the other.</summary>
internal static class MeshLine
{
    public static string Of(ManifestSet manifests, string site, int pods, IEnumerable<(string Name, string Address)> outside)
    {
        List<string> parts = ["rehearsal", site, Count(pods, "pod")];
        if (manifests.Of<V1ConfigMap>("ConfigMap").FirstOrDefault(m => m.Metadata.Name == ClusterNames.Mesh)?.Data?[ClusterNames.MeshKey] is { } text)
        {
            var model = JsonSerializer.Deserialize(text, MeshJson.Default.MeshModel)!;
            parts.AddRange([Count(model.Workloads.Length, "workload"), Count(model.Edges.Length, "edge"), $"mTLS {model.Mtls.ToString().ToLowerInvariant()}", "sidecars per workload"]);
        }
        parts.AddRange(outside.Select(o => $"{o.Name} http://{o.Address}"));
        return string.Join(", ", parts);
    }

    private static string Count(int number, string what) => number == 1 ? $"1 {what}" : $"{number} {what}s";
}
