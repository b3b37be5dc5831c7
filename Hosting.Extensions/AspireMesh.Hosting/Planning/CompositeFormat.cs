using System.Globalization;
using System.Text;

namespace AspireMesh.Hosting.Planning;

/// <summary>Takes a composite format apart: <c>Host={0};Port={1}</c>.</summary>
internal static class CompositeFormat
{
    /// <summary>Text as it stands in a format: each brace twice.</summary>
    public static string Escape(string literal) => literal.Replace("{", "{{", StringComparison.Ordinal).Replace("}", "}}", StringComparison.Ordinal);

    /// <summary>Text and the number of the hole that follows it; the last has none where the format ends with text.</summary>
    public static IEnumerable<(string Literal, int? Hole)> Parse(string format)
    {
        var literal = new StringBuilder();
        for (var i = 0; i < format.Length; i++)
        {
            var doubled = i + 1 < format.Length && format[i + 1] == format[i];
            if (format[i] is '{' or '}' && doubled)
            {
                literal.Append(format[i++]);
            }
            else if (format[i] == '{' && format.IndexOf('}', i) is var end and > 0 && int.TryParse(format.AsSpan(i + 1, end - i - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var hole))
            {
                yield return (literal.ToString(), hole);
                literal.Clear();
                i = end;
            }
            else
            {
                literal.Append(format[i]);
            }
        }
        if (literal.Length > 0) yield return (literal.ToString(), null);
    }
}
