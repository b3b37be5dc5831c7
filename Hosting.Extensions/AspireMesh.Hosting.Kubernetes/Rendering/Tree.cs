using System.Globalization;
using System.Text.Json.Nodes;

namespace AspireMesh.Hosting.Kubernetes.Rendering;

/// <summary>Short ways to write object trees. Null values are left out.</summary>
internal static class Tree
{
    public static JsonObject Map(params ReadOnlySpan<(string Key, JsonNode? Value)> entries)
    {
        var map = new JsonObject();
        foreach (var (key, value) in entries)
        {
            if (value is not null) map[key] = value;
        }
        return map;
    }

    public static JsonArray List(params IEnumerable<JsonNode?> items) => new([.. items.Where(i => i is not null)]);

    public static JsonArray Texts(IEnumerable<string> items) => new([.. items.Select(i => (JsonNode?)i)]);

    public static JsonObject Labels(IEnumerable<KeyValuePair<string, string>> labels)
    {
        var map = new JsonObject();
        foreach (var (key, value) in labels.OrderBy(l => l.Key, StringComparer.Ordinal)) map[key] = value;
        return map;
    }

    /// <summary>Null for an empty list: most meshes read an empty list as "nothing", not as "anything".</summary>
    public static JsonArray? OrNull(this JsonArray list) => list.Count == 0 ? null : list;

    /// <summary>Null for an empty map.</summary>
    public static JsonObject? OrNull(this JsonObject map) => map.Count == 0 ? null : map;

    /// <summary>Go's duration text, which Istio, Linkerd, Kuma, Consul and Gateway API (GEP-2257) all read: <c>15s</c>, <c>250ms</c>.</summary>
    public static string Duration(TimeSpan time) =>
        time.TotalMilliseconds % 1000 == 0
            ? $"{time.TotalSeconds.ToString("0", CultureInfo.InvariantCulture)}s"
            : $"{time.TotalMilliseconds.ToString("0", CultureInfo.InvariantCulture)}ms";
}
