using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using AspireMesh.Hosting.Kubernetes.Tests.Publishing;
using NJsonSchema;

namespace AspireMesh.Hosting.Kubernetes.Tests.Validating;

/// <summary>
/// Validates objects of any kind that is published: Kubernetes' own through <see cref="KubernetesKinds"/>, the others through the JSON schemas in <c>Schemas/</c>. A schema
/// has the fields that the renderers write, as the mesh's public reference has them, and no others: a new field is looked up there before it is written here.
/// </summary>
internal static class MeshKinds
{
    private static readonly ConcurrentDictionary<string, JsonSchema> Schemas = new(StringComparer.Ordinal);

    static MeshKinds()
    {
        foreach (var file in Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Schemas"), "*.json"))
        {
            foreach (var (kind, schema) in JsonSchema.FromFileAsync(file).GetAwaiter().GetResult().Definitions.Where(d => d.Key.Contains('/', StringComparison.Ordinal))) Schemas[kind] = schema;
        }
    }

    /// <summary>The kinds that have a schema, as <c>group/version/Kind</c>.</summary>
    public static IEnumerable<string> All => Schemas.Keys;

    public static string KindOf(JsonObject body) => $"{body["apiVersion"]}/{body["kind"]}";

    /// <summary>What is wrong with an object; nothing for a valid one. A kind without a schema is wrong.</summary>
    public static IReadOnlyList<string> Check(JsonObject body)
    {
        if (!Schemas.TryGetValue(KindOf(body), out var schema)) return KubernetesKinds.Check(body) is { } problem ? [problem] : [];
        return [.. schema.Validate(body.ToJsonString()).Select(e => $"{KindOf(body)} {(body["metadata"] as JsonObject)?["name"]}: {e.Path} {e.Kind}")];
    }
}
