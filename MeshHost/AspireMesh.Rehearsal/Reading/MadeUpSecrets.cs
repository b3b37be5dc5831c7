using System.Security.Cryptography;
using System.Text.Json.Nodes;
using AspireMesh.Manifests.Yaml;

namespace AspireMesh.Rehearsal.Reading;

/// <summary>
/// Values for secrets that a chart leaves empty: whoever installs it gives them, a rehearsal makes them up. One parameter is under the same name in the section of every
/// workload that uses it, so the same name gets the same value.
/// </summary>
internal static class MadeUpSecrets
{
    private const string Section = "secrets";

    /// <summary>Adds what is missing to the values that win over the chart's; the names of what was added.</summary>
    public static IReadOnlyList<string> Into(JsonObject values, string folder)
    {
        var file = Path.Combine(folder, "values.yaml");
        if (!File.Exists(file) || YamlDocuments.Read(File.ReadAllText(file), file) is not [var chart] || chart[Section] is not JsonObject workloads) return [];
        var made = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (workload, secrets) in workloads)
        {
            foreach (var (name, value) in secrets as JsonObject ?? [])
            {
                if (!string.IsNullOrEmpty((string?)value) || values[Section]?[workload]?[name] is not null) continue;
                if (!made.TryGetValue(name, out var secret)) made[name] = secret = Given(values, name) ?? Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
                Tree(Tree(values, Section), workload)[name] = secret;
            }
        }
        return [.. made.Keys];
    }

    private static string? Given(JsonObject values, string name) =>
        (values[Section] as JsonObject)?.Select(w => (string?)(w.Value as JsonObject)?[name]).FirstOrDefault(v => !string.IsNullOrEmpty(v));

    private static JsonObject Tree(JsonObject parent, string key)
    {
        if (parent[key] is JsonObject tree) return tree;
        parent[key] = tree = [];
        return tree;
    }
}
