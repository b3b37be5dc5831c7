using System.Text.Json.Nodes;

namespace AspireMesh.Manifests.Charts;

/// <summary>As what a chart is rendered: what <c>helm install NAME --namespace NS --set …</c> would say.</summary>
public sealed record ChartRelease
{
    /// <summary>The release's name; null for the chart's.</summary>
    public string? Name { get; init; }

    /// <summary>The namespace. Default <c>default</c>.</summary>
    public string Namespace { get; init; } = "default";

    /// <summary>Values that win over the chart's own, as a tree; null for none.</summary>
    public JsonObject? Values { get; init; }
}
