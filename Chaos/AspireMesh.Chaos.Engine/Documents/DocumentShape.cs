using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using AspireMesh.Protocol.Diagnostics;

namespace AspireMesh.Chaos.Documents;

/// <summary>Compares a document with the types it is to become, all of it: reading stops at the first thing that is wrong, and its author wants to know them all.</summary>
internal static class DocumentShape
{
    /// <summary>Adds every place where the document is not of the type; true when there is none.</summary>
    public static bool Check(JsonNode? node, Type type, string path, ProblemList problems)
    {
        var info = DocumentFormat.Options.GetTypeInfo(type);
        return info.Kind switch
        {
            JsonTypeInfoKind.Object => Object(node, info, path, problems),
            JsonTypeInfoKind.Enumerable => List(node, info, path, problems),
            JsonTypeInfoKind.Dictionary when node is not JsonObject => Wrong(path, "names with values in { }", node, problems),
            _ => Value(node, type, path, problems),
        };
    }

    private static bool Object(JsonNode? node, JsonTypeInfo info, string path, ProblemList problems)
    {
        if (node is not JsonObject found) return Wrong(path, "an object in { }", node, problems);
        var right = true;
        var known = info.Properties.ToDictionary(p => p.Name, StringComparer.OrdinalIgnoreCase);
        foreach (var (name, value) in found)
        {
            if (!known.TryGetValue(name, out var property))
            {
                problems.Add(MeshDiagnostics.BadExperiment, $"{path}: '{name}' is not known here. Use one of: {string.Join(", ", info.Properties.Select(p => p.Name))}.");
                right = false;
            }
            else if (value is not null || !property.IsSetNullable)
            {
                right &= Check(value, Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType, $"{path}.{property.Name}", problems);
            }
        }
        foreach (var missing in info.Properties.Where(p => p.IsRequired && !found.Any(f => f.Key.Equals(p.Name, StringComparison.OrdinalIgnoreCase))))
        {
            problems.Add(MeshDiagnostics.BadExperiment, $"{path}: '{missing.Name}' is missing. Write \"{missing.Name}\": …");
            right = false;
        }
        return right;
    }

    private static bool List(JsonNode? node, JsonTypeInfo info, string path, ProblemList problems)
    {
        if (node is not JsonArray found) return Wrong(path, "a list in [ ]", node, problems);
        var right = true;
        for (var i = 0; i < found.Count; i++) right &= Check(found[i], info.ElementType!, $"{path}[{i}]", problems);
        return right;
    }

    private static bool Value(JsonNode? node, Type type, string path, ProblemList problems)
    {
        try
        {
            if (node is not null)
            {
                node.Deserialize(type, DocumentFormat.Options);
                return true;
            }
        }
        catch (JsonException e)
        {
            var wanted = type.IsEnum ? $"one of: {string.Join(", ", Enum.GetNames(type).Select(JsonNamingPolicy.CamelCase.ConvertName))}"
                : type == typeof(TimeSpan) ? "a time, a number with ms, s, m or h, for example \"300ms\""
                : type == typeof(string) ? "a text in \" \"" : type == typeof(bool) ? "true or false" : type.IsPrimitive ? "a number" : e.Message;
            return Wrong(path, wanted, node, problems);
        }
        return Wrong(path, "a value", node, problems);
    }

    private static bool Wrong(string path, string wanted, JsonNode? node, ProblemList problems)
    {
        var found = node?.ToJsonString() ?? "null";
        problems.Add(MeshDiagnostics.BadExperiment, $"{path}: found {(found.Length > 60 ? found[..60] + "…" : found)}. Write {wanted}.");
        return false;
    }
}
