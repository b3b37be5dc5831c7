using System.Text.RegularExpressions;
using AspireMesh.Protocol.Policies;

namespace AspireMesh.Proxy.Http;

/// <summary>A compiled <see cref="StringMatch"/>. Regular expressions are non-backtracking: a pattern from a policy file cannot stall a sidecar.</summary>
internal sealed class TextMatcher
{
    private readonly StringMatchKind _kind;
    private readonly string _value;
    private readonly bool _wholeSegments;
    private readonly StringComparison _comparison;
    private readonly Regex? _regex;

    private TextMatcher(StringMatch match, bool wholeSegments, bool ignoreCase)
    {
        _kind = match.Kind;
        _wholeSegments = wholeSegments;
        _comparison = ignoreCase ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal;
        // "/a/" and "/a" are the same prefix of segments (Gateway API PathPrefix).
        _value = wholeSegments && match.Kind == StringMatchKind.Prefix ? match.Value.TrimEnd('/') : match.Value;
        if (match.Kind == StringMatchKind.Regex)
        {
            var options = RegexOptions.NonBacktracking | RegexOptions.CultureInvariant | (ignoreCase ? RegexOptions.IgnoreCase : 0);
            _regex = new Regex($@"\A(?:{match.Value})\z", options);
        }
    }

    /// <summary>The prefix a path rule matched, for rewrites that replace it; null for other kinds.</summary>
    public string? Prefix => _kind == StringMatchKind.Prefix ? _value : null;

    public static TextMatcher? ForPath(StringMatch? match) => match is null ? null : new TextMatcher(match, wholeSegments: true, ignoreCase: false);

    public static TextMatcher? ForHost(StringMatch? match) => match is null ? null : new TextMatcher(match, wholeSegments: false, ignoreCase: true);

    public static TextMatcher ForValue(StringMatch match) => new(match, wholeSegments: false, ignoreCase: false);

    public bool Matches(string? text)
    {
        if (text is null) return false;
        return _kind switch
        {
            StringMatchKind.Exact => string.Equals(text, _value, _comparison),
            StringMatchKind.Prefix => text.StartsWith(_value, _comparison) && (!_wholeSegments || text.Length == _value.Length || text[_value.Length] == '/'),
            StringMatchKind.Regex => _regex!.IsMatch(text),
            _ => true,
        };
    }
}
