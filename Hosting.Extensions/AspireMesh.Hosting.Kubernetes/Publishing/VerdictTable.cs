using AspireMesh.Hosting.Kubernetes.Rendering;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Hosting.Kubernetes.Publishing;

/// <summary>The verdicts as lines of a table, for the log.</summary>
internal static partial class VerdictTable
{
    /// <summary>One line per policy.</summary>
    public static IEnumerable<string> Of(MeshRendering rendering)
    {
        var rows = rendering.Verdicts.Select(v => (Whose: v.Item.Subject, What: v.Item.Detail.Length == 0 ? v.Item.Kind.ToString() : $"{v.Item.Kind} ({v.Item.Detail})", Verdict: v.Kind.ToString().ToLowerInvariant(), v.Reason)).ToArray();
        var (whose, what) = (rows.Select(r => r.Whose.Length).DefaultIfEmpty().Max(), rows.Select(r => r.What.Length).DefaultIfEmpty().Max());
        return rows.Select(r => $"{r.Whose.PadRight(whose)}  {r.What.PadRight(what)}  {r.Verdict,-12}  {r.Reason}");
    }

    [LoggerMessage(1, LogLevel.Information, "{Line}")]
    public static partial void LogVerdict(this ILogger logger, string line);

    [LoggerMessage(2, LogLevel.Warning, "{Notice}")]
    public static partial void LogPublishNotice(this ILogger logger, string notice);
}
