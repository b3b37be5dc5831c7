using System.Text.Json.Nodes;
using AspireMesh.Manifests.Charts;
using AspireMesh.Manifests.Yaml;
using AspireMesh.Protocol.Diagnostics;

namespace AspireMesh.Rehearsal.Reading;

/// <summary>Reads a published chart, or a folder of plain manifests.</summary>
internal static class ManifestFolder
{
    /// <exception cref="MeshValidationException">It is neither, or cannot be read; carries every reason.</exception>
    public static ManifestSet Read(RehearsalOptions options)
    {
        if (!Directory.Exists(options.Folder)) throw new MeshValidationException([MeshDiagnostics.BadManifest.Found($"There is no folder '{options.Folder}'. Give the folder that publishing wrote: aspiremesh rehearse out/")]);
        var isChart = File.Exists(Path.Combine(options.Folder, "Chart.yaml"));
        var values = options.Values?.DeepClone().AsObject() ?? [];
        var madeUp = isChart ? MadeUpSecrets.Into(values, options.Folder) : [];
        var release = new ChartRelease { Name = options.Release, Namespace = options.Namespace, Values = values };
        JsonObject[] objects = isChart
            ? [.. ChartReader.Render(options.Folder, release).Select(o => o.Body)]
            : [.. Directory.EnumerateFiles(options.Folder, "*.yaml", SearchOption.AllDirectories).Order(StringComparer.Ordinal).SelectMany(f => YamlDocuments.Read(File.ReadAllText(f), f)).Where(o => (string?)o["kind"] != "Kustomization")];
        var manifests = new ManifestSet(options.Folder, options.Namespace, objects) { MadeUp = madeUp };
        manifests.Check();
        return manifests;
    }
}
