using System.Collections.Immutable;
using System.Text;
using System.Text.Json.Nodes;
using AspireMesh.Manifests.Yaml;

namespace AspireMesh.Hosting.Kubernetes.Publishing;

/// <summary>The files of a chart being published.</summary>
internal sealed class ChartFiles(string folder)
{
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false);

    /// <summary>The chart's folder.</summary>
    public string Folder { get; } = folder;

    /// <summary>A template and its documents.</summary>
    public sealed record Template(string Path, ImmutableArray<JsonObject> Documents);

    /// <summary>The templates that the host wrote for a resource, in order; those of ours from a publish before are left out.</summary>
    public IEnumerable<Template> Templates(string resource)
    {
        var path = Path.Combine(Folder, "templates", resource);
        if (!Directory.Exists(path)) return [];
        foreach (var old in Directory.GetFiles(path, "mesh-*.yaml")) File.Delete(old);
        return [.. Directory.GetFiles(path, "*.yaml").Order(StringComparer.Ordinal).Select(f => new Template($"templates/{resource}/{Path.GetFileName(f)}", TemplateYaml.Read(File.ReadAllText(f), f)))];
    }

    /// <summary>Writes documents.</summary>
    public void Write(string path, params ImmutableArray<JsonObject> documents) => WriteText(path, string.Concat(documents.Select(d => $"---\n{ManifestYaml.Write(d)}")));

    /// <summary>Writes a file.</summary>
    public void WriteText(string path, string text)
    {
        var full = Path.Combine(Folder, path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllText(full, text, Utf8);
    }

    /// <summary>Adds sections to values.yaml; the host has written it anew.</summary>
    public void AppendValues(JsonObject values) => File.AppendAllText(Path.Combine(Folder, "values.yaml"), ManifestYaml.Write(values), Utf8);
}
