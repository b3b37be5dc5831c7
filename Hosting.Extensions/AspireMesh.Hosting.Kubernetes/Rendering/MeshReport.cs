using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using static AspireMesh.Hosting.Kubernetes.Rendering.Tree;

namespace AspireMesh.Hosting.Kubernetes.Rendering;

/// <summary>The verdict per policy, for people (<c>mesh-report.md</c>) and for tools (<c>mesh-report.json</c>).</summary>
public static class MeshReport
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, NewLine = "\n" };

    /// <summary>As JSON: <c>{ "backends": [ { "backend", "loss", "notices", "verdicts": [ { "subject", "policy", "detail", "verdict", "reason" } ] } ] }</c>.</summary>
    public static string ToJson(IEnumerable<MeshRendering> renderings)
    {
        var backends = renderings.Select(r => Map(
            ("backend", r.Backend.ToString()),
            ("loss", r.HasLoss),
            ("notices", Texts(r.Notices)),
            ("verdicts", List(r.Verdicts.Select(v => Map(
                ("subject", v.Item.Subject),
                ("policy", v.Item.Kind.ToString()),
                ("detail", v.Item.Detail.Length == 0 ? null : v.Item.Detail),
                ("verdict", v.Kind.ToString().ToLower(CultureInfo.InvariantCulture)),
                ("reason", v.Reason)))))));
        return Map(("backends", List(backends))).ToJsonString(Indented) + "\n";
    }

    /// <summary>As Markdown tables.</summary>
    public static string ToMarkdown(IEnumerable<MeshRendering> renderings)
    {
        var text = new StringBuilder("# Mesh report\n\nWhat became of each policy. Nothing is dropped in silence.\n");
        foreach (var rendering in renderings)
        {
            var counts = rendering.Verdicts.GroupBy(v => v.Kind).OrderBy(g => g.Key).Select(g => $"{g.Count()} {g.Key.ToString().ToLower(CultureInfo.InvariantCulture)}");
            text.Append(CultureInfo.InvariantCulture, $"\n## {rendering.Backend}\n\n{string.Join(", ", counts)}.\n");
            foreach (var notice in rendering.Notices) text.Append(CultureInfo.InvariantCulture, $"\n> {notice}\n");
            text.Append("\n| whose | policy | verdict | how or why |\n|---|---|---|---|\n");
            foreach (var verdict in rendering.Verdicts)
            {
                var policy = verdict.Item.Detail.Length == 0 ? verdict.Item.Kind.ToString() : $"{verdict.Item.Kind} ({verdict.Item.Detail})";
                text.Append(CultureInfo.InvariantCulture, $"| {Cell(verdict.Item.Subject)} | {Cell(policy)} | {verdict.Kind.ToString().ToLower(CultureInfo.InvariantCulture)} | {Cell(verdict.Reason)} |\n");
            }
        }
        return text.ToString();
    }

    private static string Cell(string text) => text.Replace("|", "\\|", StringComparison.Ordinal).Replace('\n', ' ');
}
