using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace AspireMesh.Manifests.Charts;

/// <summary>
/// The expressions that published charts use: <c>.Values.a.b</c>, <c>.Chart.Name</c>, <c>.Release.Namespace</c>, text in quotes, numbers, <c>eq A B</c>, brackets, and the
/// filters <c>int</c>, <c>int64</c>, <c>float64</c>, <c>toString</c>, <c>lower</c> and <c>quote</c>.
/// </summary>
internal sealed partial class TemplateExpression(JsonObject scope)
{
    private static readonly string[] Filters = ["int", "int64", "float64", "toString", "lower", "quote"];
    private readonly JsonObject _scope = scope;

    /// <summary>The value of an expression: text, a number or a boolean; null for an empty value.</summary>
    /// <exception cref="FormatException">A form that is not known, or a value that is not there.</exception>
    public object? Evaluate(string expression)
    {
        var tokens = new Queue<string>();
        var at = 0;
        foreach (Match token in Token().Matches(expression))
        {
            if (expression[at..token.Index].Trim().Length > 0) break;
            tokens.Enqueue(token.Value);
            at = token.Index + token.Length;
        }
        if (expression[at..].Trim() is { Length: > 0 } rest) throw Unknown(tokens.TryPeek(out var first) && char.IsAsciiLetter(first[0]) && first != "eq" ? first : rest);
        var value = Pipeline(tokens);
        return tokens.Count == 0 ? value : throw Unknown(tokens.Peek());
    }

    /// <summary>As a template takes it: nothing, false, zero and empty text are not true.</summary>
    public static bool IsTrue(object? value) => value is not (null or false or "" or 0L or 0.0);

    /// <summary>As a template writes it.</summary>
    public static string Text(object? value) => value switch
    {
        null => "",
        bool flag => flag ? "true" : "false",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    private object? Pipeline(Queue<string> tokens)
    {
        var value = Term(tokens);
        while (tokens.TryPeek(out var next) && next == "|")
        {
            tokens.Dequeue();
            value = Filter(tokens.TryDequeue(out var filter) ? filter : "|", value);
        }
        return value;
    }

    private object? Term(Queue<string> tokens)
    {
        if (!tokens.TryDequeue(out var token)) throw new FormatException("something is missing here.");
        switch (token)
        {
            case "(":
                var inner = Pipeline(tokens);
                return tokens.TryDequeue(out var close) && close == ")" ? inner : throw new FormatException("a bracket is not closed.");
            case "eq":
                var left = Term(tokens);
                return Equals(left, Term(tokens));
            case ['"', .. var text, '"']:
                return text.Replace("\\\"", "\"", StringComparison.Ordinal).Replace("\\\\", "\\", StringComparison.Ordinal);
            case ['`', .. var raw, '`']:
                return raw;
            case ['.', ..]:
                return Lookup(token);
            default:
                return long.TryParse(token, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : throw Unknown(token);
        }
    }

    private object? Lookup(string path)
    {
        JsonNode? node = _scope;
        foreach (var part in path[1..].Split('.'))
        {
            if (node is not JsonObject map || !map.TryGetPropertyValue(part, out node)) throw new FormatException($"{path} has no value. Add it to values.yaml, or publish again.");
        }
        return node switch
        {
            null => null,
            JsonValue value when value.TryGetValue<bool>(out var flag) => flag,
            JsonValue value when value.TryGetValue<long>(out var whole) => whole,
            JsonValue value when value.TryGetValue<double>(out var fraction) => fraction,
            JsonValue value => value.GetValue<string>(),
            _ => throw new FormatException($"{path} is no single value. Name one below it."),
        };
    }

    private static object? Filter(string name, object? value) => name switch
    {
        "int" or "int64" => long.TryParse(Text(value), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : 0L,
        "float64" => double.TryParse(Text(value), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : 0.0,
        "toString" => Text(value),
        "lower" => Text(value).ToLowerInvariant(),
        "quote" => $"\"{Text(value).Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"",
        _ => throw Unknown(name),
    };

    private static FormatException Unknown(string form) =>
        new($"'{form}' is not one of the forms that published charts use (.Values…, .Chart…, .Release…, text, eq, if, else, end, and the filters {string.Join(", ", Filters)}). Render this chart with: helm template");

    [GeneratedRegex("""
        "(?:[^"\\]|\\.)*"|`[^`]*`|\||\(|\)|\.[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*|[A-Za-z][A-Za-z0-9]*|-?[0-9]+
        """, RegexOptions.CultureInvariant)]
    private static partial Regex Token();
}
