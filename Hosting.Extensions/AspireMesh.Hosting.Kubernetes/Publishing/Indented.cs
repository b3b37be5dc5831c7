using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace AspireMesh.Hosting.Kubernetes.Publishing;

/// <summary>JSON as people read it in a chart: one line per value.</summary>
internal static class Indented
{
    // The text goes into YAML, not into a page: expressions and quotes stay as they are.
    private static readonly JsonSerializerOptions Options = new() { WriteIndented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string Json(string json) => Json(JsonNode.Parse(json)!);

    public static string Json(JsonNode node) => node.ToJsonString(Options) + "\n";
}
