using System.Collections.Immutable;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using AspireMesh.Manifests.Yaml;

namespace AspireMesh.Hosting.Kubernetes.Publishing;

/// <summary>The files of a chart being published.</summary>
internal sealed partial class ChartFiles(string folder)
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

    /// <summary>The resources that the host wrote templates for, sorted; its own dashboard is one, and is in no model.</summary>
    public IEnumerable<string> Resources =>
        Directory.Exists(Path.Combine(Folder, "templates")) ? Directory.GetDirectories(Path.Combine(Folder, "templates")).Select(d => Path.GetFileName(d)).Order(StringComparer.Ordinal) : [];

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
    public void AppendValues(JsonObject values) => File.AppendAllText(ValuesFile, ManifestYaml.Write(values), Utf8);

    /// <summary>
    /// Gives each value that a template names and values.yaml lacks an empty place there. Aspire 13.5 leaves out a parameter that stands inside another resource's
    /// connection string: Helm would read nothing for it, and nobody who installs the chart would see what to set.
    /// </summary>
    /// <returns>What was lacking, as <c>secrets.inventory.postgres_password</c>.</returns>
    public ImmutableArray<string> AddLackingValues()
    {
        var values = YamlDocuments.Read(File.ReadAllText(ValuesFile), ValuesFile).Single();
        var named = Directory.GetFiles(Path.Combine(Folder, "templates"), "*.yaml", SearchOption.AllDirectories)
            .SelectMany(f => ValuePath().Matches(File.ReadAllText(f)).Select(m => m.Groups["path"].Value))
            .Distinct().Order(StringComparer.Ordinal);
        ImmutableArray<string> lacking = [.. named.Where(path => Add(values, path))];
        if (lacking.Length > 0) WriteText("values.yaml", ManifestYaml.Write(values));
        return lacking;
    }

    /// <summary>Says in Chart.yaml which Kubernetes the chart needs, whatever the host wrote there.</summary>
    public void Need(string kubeVersion)
    {
        var path = Path.Combine(Folder, "Chart.yaml");
        File.WriteAllText(path, KubeVersion().Replace(File.ReadAllText(path), $"kubeVersion: '{kubeVersion}'"), Utf8);
    }

    private string ValuesFile => Path.Combine(Folder, "values.yaml");

    private static bool Add(JsonObject values, string path)
    {
        var parts = path.Split('.');
        var map = values;
        foreach (var part in parts[..^1])
        {
            if (map[part] is not JsonObject inner) map[part] = inner = [];
            map = inner;
        }
        return map.TryAdd(parts[^1], "");
    }

    [GeneratedRegex(@"\.Values\.(?<path>\w+(\.\w+)*)")]
    private static partial Regex ValuePath();

    [GeneratedRegex("^kubeVersion:.*$", RegexOptions.Multiline)]
    private static partial Regex KubeVersion();
}
