using System.Text.Json.Nodes;
using AspireMesh.Manifests.Charts;
using AspireMesh.Manifests.Yaml;

namespace AspireMesh.Hosting.Kubernetes.Publishing;

/// <summary>The chart with its default values, one file per object, as <c>kubectl kustomize</c> takes it. It lies in <c>kustomize/</c> beside the templates.</summary>
internal static class PlainManifests
{
    private const string Folder = "kustomize";

    public static void Write(ChartFiles chart)
    {
        var folder = Path.Combine(chart.Folder, Folder);
        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
        var files = new List<string>();
        foreach (var rendered in ChartReader.Render(chart.Folder, new ChartRelease()))
        {
            var file = $"{rendered.Kind}-{rendered.Name}.yaml".ToLowerInvariant();
            chart.WriteText($"{Folder}/{file}", ManifestYaml.Write(rendered.Body));
            files.Add(file);
        }
        chart.WriteText($"{Folder}/kustomization.yaml", ManifestYaml.Write(new JsonObject
        {
            ["apiVersion"] = "kustomize.config.k8s.io/v1beta1",
            ["kind"] = "Kustomization",
            ["resources"] = new JsonArray([.. files.Order(StringComparer.Ordinal).Select(f => (JsonNode)f)]),
        }));
    }
}
