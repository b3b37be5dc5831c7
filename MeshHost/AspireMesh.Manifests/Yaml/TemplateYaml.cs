using System.Collections.Immutable;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace AspireMesh.Manifests.Yaml;

/// <summary>Reads templates of a chart as trees, their expressions kept as text: what <see cref="ManifestYaml"/> writes back as the same template.</summary>
public static partial class TemplateYaml
{
    /// <summary>Every document of a template.</summary>
    /// <param name="text">The template.</param>
    /// <param name="name">Names it in messages.</param>
    public static ImmutableArray<JsonObject> Read(string text, string name) => YamlDocuments.Read(BareExpression().Replace(text, m => $"{m.Groups[1].Value}'{m.Groups[2].Value.Replace("'", "''", StringComparison.Ordinal)}'"), name);

    /// <summary>An expression that stands bare, as numbers and choices do; YAML would take its braces for a mapping.</summary>
    [GeneratedRegex(@"^((?:\s|- )*(?:[\w./-]+:|""[\w./-]+"":|-)[ ]+)(\{\{.*\}\})[ ]*\r?$", RegexOptions.Multiline | RegexOptions.CultureInvariant)]
    private static partial Regex BareExpression();
}
