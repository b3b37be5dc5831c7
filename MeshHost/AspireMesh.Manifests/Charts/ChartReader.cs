using System.Collections.Immutable;
using System.Text.Json.Nodes;
using AspireMesh.Manifests.Yaml;
using AspireMesh.Protocol.Diagnostics;

namespace AspireMesh.Manifests.Charts;

/// <summary>
/// Renders a published chart without Helm. It knows the few template forms that Aspire's publisher and ours write (<see cref="TemplateExpression"/>) and refuses
/// any other by name, so that what it renders is what Helm would.
/// </summary>
public static class ChartReader
{
    /// <summary>Every object of the chart in <paramref name="folder"/>, in the order of its templates' paths.</summary>
    /// <exception cref="MeshValidationException">The folder is no chart, or a template has a form that is not known; carries every reason.</exception>
    public static ImmutableArray<ChartObject> Render(string folder, ChartRelease release)
    {
        var chart = Document(folder, "Chart.yaml");
        var values = Document(folder, "values.yaml");
        if (release.Values is { } overrides) Merge(values, overrides);
        var name = chart["name"]?.GetValue<string>() ?? throw Refused($"'{Path.Combine(folder, "Chart.yaml")}' names no chart. Publish again.");
        var scope = new JsonObject
        {
            ["Values"] = values,
            ["Chart"] = new JsonObject { ["Name"] = name, ["Version"] = chart["version"]?.DeepClone(), ["AppVersion"] = chart["appVersion"]?.DeepClone() },
            ["Release"] = new JsonObject { ["Name"] = release.Name ?? name, ["Namespace"] = release.Namespace, ["Service"] = "Helm" },
        };
        var templates = Path.Combine(folder, "templates");
        var problems = new ProblemList();
        var objects = ImmutableArray.CreateBuilder<ChartObject>();
        var files = Directory.Exists(templates) ? Directory.GetFiles(templates, "*.yaml", SearchOption.AllDirectories) : [];
        foreach (var (file, relative) in files.Select(f => (f, Path.GetRelativePath(folder, f).Replace('\\', '/'))).OrderBy(f => f.Item2, StringComparer.Ordinal))
        {
            try
            {
                foreach (var body in YamlDocuments.Read(ChartTemplate.Render(File.ReadAllText(file), relative, scope), relative))
                {
                    if (body["kind"] is not JsonValue || body["metadata"]?["name"] is not JsonValue) throw Refused($"'{relative}' has an object without kind or metadata.name. Correct the template.");
                    objects.Add(new ChartObject(relative, body));
                }
            }
            catch (MeshValidationException e)
            {
                foreach (var problem in e.Problems) problems.Add(problem);
            }
        }
        problems.ThrowIfAny();
        return objects.ToImmutable();
    }

    private static JsonObject Document(string folder, string file)
    {
        var path = Path.Combine(folder, file);
        if (!File.Exists(path)) throw Refused($"'{folder}' has no {file}: it is no published chart. Type: dotnet run --project <apphost> -- --operation publish --step publish --output-path {folder}");
        return YamlDocuments.Read(File.ReadAllText(path), path) is [var document] ? document : throw Refused($"'{path}' holds no mapping. Publish again.");
    }

    private static void Merge(JsonObject into, JsonObject from)
    {
        foreach (var (key, value) in from)
        {
            if (value is JsonObject tree && into[key] is JsonObject own) Merge(own, tree);
            else into[key] = value?.DeepClone();
        }
    }

    private static MeshValidationException Refused(string message) => new([MeshDiagnostics.BadChart.Found(message)]);
}
