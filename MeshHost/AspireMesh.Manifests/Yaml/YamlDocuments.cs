using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using AspireMesh.Protocol.Diagnostics;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace AspireMesh.Manifests.Yaml;

/// <summary>Reads YAML into trees, as Kubernetes does: plain scalars become numbers, booleans and null by the YAML 1.2 core schema; quoted ones stay text.</summary>
public static partial class YamlDocuments
{
    /// <summary>Every document of a text, empty ones left out.</summary>
    /// <param name="text">The YAML.</param>
    /// <param name="name">Names it in messages.</param>
    /// <exception cref="MeshValidationException">It is no YAML, or a document is no mapping.</exception>
    public static ImmutableArray<JsonObject> Read(string text, string name)
    {
        var stream = new YamlStream();
        try
        {
            stream.Load(new StringReader(text));
        }
        catch (YamlException e)
        {
            throw new MeshValidationException([MeshDiagnostics.BadManifest.Found($"'{name}' cannot be read as YAML: line {e.Start.Line}: {e.Message} Correct that line.")]);
        }
        var documents = ImmutableArray.CreateBuilder<JsonObject>();
        foreach (var document in stream.Documents)
        {
            switch (Node(document.RootNode, name))
            {
                case null:
                    break;
                case JsonObject map:
                    documents.Add(map);
                    break;
                default:
                    throw new MeshValidationException([MeshDiagnostics.BadManifest.Found($"'{name}' has a document at line {document.RootNode.Start.Line} that is no mapping. A Kubernetes object begins with apiVersion and kind.")]);
            }
        }
        return documents.ToImmutable();
    }

    private static JsonNode? Node(YamlNode node, string name)
    {
        switch (node)
        {
            case YamlMappingNode map:
                var result = new JsonObject();
                var merged = new List<YamlNode>();
                foreach (var (key, value) in map.Children)
                {
                    if (key is not YamlScalarNode { Value: { } text }) throw new MeshValidationException([MeshDiagnostics.BadManifest.Found($"'{name}' line {key.Start.Line}: a key is no text. Write a name before the colon.")]);
                    if (key is YamlScalarNode { Value: "<<", Style: ScalarStyle.Plain }) merged.AddRange(value is YamlSequenceNode several ? several.Children : [value]);
                    else result[text] = Node(value, name);
                }
                // What a mapping takes from another by "<<" it does not have itself; the first to have a key wins.
                foreach (var (key, value) in merged.OfType<YamlMappingNode>().Select(m => Node(m, name)).OfType<JsonObject>().SelectMany(m => m))
                {
                    if (!result.ContainsKey(key)) result[key] = value?.DeepClone();
                }
                return result;
            case YamlSequenceNode list:
                return new JsonArray([.. list.Children.Select(c => Node(c, name))]);
            case YamlScalarNode { Style: ScalarStyle.Plain } scalar:
                return Plain(scalar.Value ?? "");
            case YamlScalarNode scalar:
                return JsonValue.Create(scalar.Value ?? "");
            default:
                return null;
        }
    }

    private static JsonNode? Plain(string text)
    {
        if (text is "" or "~" or "null" or "Null" or "NULL") return null;
        if (text is "true" or "True" or "TRUE") return JsonValue.Create(true);
        if (text is "false" or "False" or "FALSE") return JsonValue.Create(false);
        if (Whole().IsMatch(text) && long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole)) return JsonValue.Create(whole);
        if (Fraction().IsMatch(text) && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var fraction)) return JsonValue.Create(fraction);
        return JsonValue.Create(text);
    }

    [GeneratedRegex("^[-+]?[0-9]+$", RegexOptions.CultureInvariant)]
    private static partial Regex Whole();

    [GeneratedRegex(@"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$", RegexOptions.CultureInvariant)]
    private static partial Regex Fraction();
}
