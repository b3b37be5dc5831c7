using System.Text.Json.Nodes;

namespace AspireMesh.Manifests.Charts;

/// <summary>One object of a rendered chart.</summary>
/// <param name="Template">The template it came from, relative to the chart, with <c>/</c>.</param>
/// <param name="Body">The whole object.</param>
public sealed record ChartObject(string Template, JsonObject Body)
{
    /// <summary>Its kind.</summary>
    public string Kind => Body["kind"]!.GetValue<string>();

    /// <summary>Its name.</summary>
    public string Name => Body["metadata"]!["name"]!.GetValue<string>();
}
