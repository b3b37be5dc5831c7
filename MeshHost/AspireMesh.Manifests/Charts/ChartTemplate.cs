using System.Text;
using System.Text.Json.Nodes;
using AspireMesh.Protocol.Diagnostics;

namespace AspireMesh.Manifests.Charts;

/// <summary>One template: text, expressions, <c>if</c>/<c>else</c>/<c>end</c> and comments.</summary>
internal sealed class ChartTemplate
{
    private readonly string _text;
    private readonly string _name;
    private readonly TemplateExpression _expressions;
    private readonly StringBuilder _output = new();
    private readonly Stack<(bool Write, bool Taken)> _branches = new();

    private ChartTemplate(string text, string name, JsonObject scope)
    {
        (_text, _name) = (text, name);
        _expressions = new TemplateExpression(scope);
    }

    private bool Writes => _branches.All(b => b.Write);

    /// <summary>The text with every expression evaluated.</summary>
    /// <param name="text">The template.</param>
    /// <param name="name">Names it in messages.</param>
    /// <param name="scope">What the dot is: Values, Chart and Release.</param>
    public static string Render(string text, string name, JsonObject scope) => new ChartTemplate(text, name, scope).Render();

    private string Render()
    {
        var at = 0;
        while (_text.IndexOf("{{", at, StringComparison.Ordinal) is var start and >= 0)
        {
            var end = End(start + 2);
            if (end < 0) throw Refused(start, "an expression has no end. Close it with }}.");
            var trimBefore = _text[start + 2] == '-';
            var trimAfter = end > start + 2 && _text[end - 1] == '-';
            Write(trimBefore ? _text[at..start].TrimEnd() : _text[at..start]);
            Act(start, _text[(start + (trimBefore ? 3 : 2))..(trimAfter ? end - 1 : end)].Trim());
            at = end + 2;
            while (trimAfter && at < _text.Length && char.IsWhiteSpace(_text[at])) at++;
        }
        Write(_text[at..]);
        return _branches.Count == 0 ? _output.ToString() : throw Refused(_text.Length, "an if has no end. Write {{ end }}.");
    }

    /// <summary>The closing braces; those inside quotes are text.</summary>
    private int End(int from)
    {
        var quoted = false;
        var raw = false;
        for (var i = from; i + 1 < _text.Length; i++)
        {
            if (raw || (!quoted && _text[i] == '`')) raw ^= _text[i] == '`';
            else if (quoted && _text[i] == '\\') i++;
            else if (_text[i] == '"') quoted = !quoted;
            else if (!quoted && _text[i] == '}' && _text[i + 1] == '}') return i;
        }
        return -1;
    }

    private void Act(int at, string action)
    {
        try
        {
            if (action.StartsWith("/*", StringComparison.Ordinal) && action.EndsWith("*/", StringComparison.Ordinal)) return;
            switch (action.Split(' ', 2)[0])
            {
                case "if":
                    var holds = Writes && TemplateExpression.IsTrue(_expressions.Evaluate(action[2..]));
                    _branches.Push((holds, holds));
                    break;
                case "else" when action == "else" && _branches.TryPop(out var branch):
                    _branches.Push((!branch.Taken, true));
                    break;
                case "end" when action == "end" && _branches.TryPop(out _):
                    break;
                default:
                    if (Writes) _output.Append(TemplateExpression.Text(_expressions.Evaluate(action)));
                    break;
            }
        }
        catch (FormatException e)
        {
            throw Refused(at, $"{{{{ {action} }}}}: {e.Message}");
        }
    }

    private void Write(string text)
    {
        if (Writes) _output.Append(text);
    }

    private MeshValidationException Refused(int at, string why) =>
        new([MeshDiagnostics.BadChart.Found($"'{_name}' line {_text.AsSpan(0, at).Count('\n') + 1}: {why}")]);
}
