using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace AspireMesh.Manifests.Yaml;

/// <summary>Writes objects as YAML: keys in their order, strings that YAML could take for something else in quotes. The same tree gives the same bytes.</summary>
public static partial class ManifestYaml
{
    /// <summary>One document.</summary>
    public static string Write(JsonNode node)
    {
        using var text = new StringWriter(CultureInfo.InvariantCulture) { NewLine = "\n" };
        var emitter = new Emitter(text, new EmitterSettings(bestIndent: 2, bestWidth: int.MaxValue, isCanonical: false, maxSimpleKeyLength: 1024));
        emitter.Emit(new StreamStart());
        emitter.Emit(new DocumentStart(null, null, true));
        Emit(emitter, node);
        emitter.Emit(new DocumentEnd(true));
        emitter.Emit(new StreamEnd());
        return QuotedExpression().Replace(text.ToString(), "$1");
    }

    private static void Emit(Emitter emitter, JsonNode? node)
    {
        switch (node)
        {
            case JsonObject map:
                emitter.Emit(new MappingStart(AnchorName.Empty, TagName.Empty, true, map.Count == 0 ? MappingStyle.Flow : MappingStyle.Block));
                foreach (var (key, value) in map)
                {
                    EmitText(emitter, key);
                    Emit(emitter, value);
                }
                emitter.Emit(new MappingEnd());
                break;
            case JsonArray list:
                emitter.Emit(new SequenceStart(AnchorName.Empty, TagName.Empty, true, list.Count == 0 ? SequenceStyle.Flow : SequenceStyle.Block));
                foreach (var item in list) Emit(emitter, item);
                emitter.Emit(new SequenceEnd());
                break;
            case JsonValue value when value.GetValueKind() == JsonValueKind.String:
                EmitText(emitter, value.GetValue<string>());
                break;
            case null:
                emitter.Emit(new Scalar("null"));
                break;
            default:
                emitter.Emit(new Scalar(node.ToJsonString()));
                break;
        }
    }

    private static void EmitText(Emitter emitter, string text) =>
        emitter.Emit(new Scalar(AnchorName.Empty, TagName.Empty, text, IsBare(text) ? ScalarStyle.SingleQuoted : Style(text), true, true));

    /// <summary>
    /// A template expression that ends in a number is written bare, or the cluster would read text where it wants a number; so is a choice, whose own quotes
    /// would not survive. The emitter never writes braces bare.
    /// </summary>
    [GeneratedRegex(@"(?<=[:-] )'(\{\{ (?:[^{}']*\| (?:int|int64|float64)|if [^']*\{\{ end) \}\})'(?=\n)", RegexOptions.CultureInvariant)]
    private static partial Regex QuotedExpression();

    private static bool IsBare(string text) => QuotedExpression().IsMatch($": '{text}'\n");

    private static ScalarStyle Style(string text) => text.Contains('\n', StringComparison.Ordinal) && !text.Contains(" \n", StringComparison.Ordinal) ? ScalarStyle.Literal : NeedsQuotes(text) ? ScalarStyle.DoubleQuoted : ScalarStyle.Plain;

    // YAML 1.1 readers (Kubernetes' among them) take yes, on, 1e3, 0x1F, 12:30 and the like for something other than text.
    private static bool NeedsQuotes(string text)
    {
        if (text.Length == 0) return true;
        if (!char.IsAsciiLetter(text[0]) && text[0] is not '/' and not '_') return true;
        if (text.ToLowerInvariant() is "y" or "n" or "yes" or "no" or "on" or "off" or "true" or "false" or "null") return true;
        foreach (var c in text)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not '-' and not '_' and not '.' and not '/') return true;
        }
        return false;
    }
}
