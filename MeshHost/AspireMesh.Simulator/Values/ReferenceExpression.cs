using System.Globalization;
using System.Runtime.CompilerServices;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>Text with values in it that are resolved late, or a choice between two such texts.</summary>
public class ReferenceExpression : IExpressionValue, IValueWithReferences
{
    /// <summary>The empty text.</summary>
    public static readonly ReferenceExpression Empty = new("", [], [], []);

    private readonly string[] _manifestExpressions;
    private readonly string?[] _stringFormats;
    private readonly IValueProvider[] _valueProviders;

    internal ReferenceExpression(string format, IValueProvider[] valueProviders, string[] manifestExpressions, string?[] stringFormats)
    {
        Format = format;
        _valueProviders = valueProviders;
        _manifestExpressions = manifestExpressions;
        _stringFormats = stringFormats;
    }

    private ReferenceExpression(IValueProvider condition, string matchValue, ReferenceExpression whenTrue, ReferenceExpression whenFalse)
        : this("", [], [], [])
    {
        Condition = condition;
        MatchValue = matchValue;
        WhenTrue = whenTrue;
        WhenFalse = whenFalse;
    }

    /// <summary>Composite format with a numbered hole per value; literal braces are doubled.</summary>
    public string Format { get; }

    /// <summary>The values of the holes.</summary>
    public IReadOnlyList<IValueProvider> ValueProviders => _valueProviders;

    /// <summary>The manifest expressions of the holes.</summary>
    public IReadOnlyList<string> ManifestExpressions => _manifestExpressions;

    /// <summary>How each value is encoded, for example <c>uri</c>; null for as it is.</summary>
    public IReadOnlyList<string?> StringFormats => _stringFormats;

    /// <summary>Whether this chooses between <see cref="WhenTrue"/> and <see cref="WhenFalse"/>.</summary>
    public bool IsConditional => Condition is not null;

    /// <summary>The value that decides; null unless conditional.</summary>
    public IValueProvider? Condition { get; }

    /// <summary>What <see cref="Condition"/> is compared with, case not regarded.</summary>
    public string? MatchValue { get; }

    /// <summary>Used when the condition matches.</summary>
    public ReferenceExpression? WhenTrue { get; }

    /// <summary>Used when it does not.</summary>
    public ReferenceExpression? WhenFalse { get; }

    IEnumerable<object> IValueWithReferences.References => IsConditional ? [Condition!, WhenTrue!, WhenFalse!] : _valueProviders;

    /// <inheritdoc/>
    public string ValueExpression => IsConditional
        ? $"{{{(Condition as IManifestExpressionProvider)?.ValueExpression.Trim('{', '}')} == {MatchValue} ? {WhenTrue!.ValueExpression} : {WhenFalse!.ValueExpression}}}"
        : string.Format(CultureInfo.InvariantCulture, Format, _manifestExpressions);

    /// <summary>Makes an expression of an interpolated string.</summary>
    public static ReferenceExpression Create(in ExpressionInterpolatedStringHandler handler) => handler.Build();

    /// <summary>Makes a choice: <paramref name="whenTrue"/> where <paramref name="condition"/> resolves to <paramref name="matchValue"/>.</summary>
    public static ReferenceExpression CreateConditional(IValueProvider condition, string matchValue, ReferenceExpression whenTrue, ReferenceExpression whenFalse)
    {
        ArgumentNullException.ThrowIfNull(condition);
        ArgumentNullException.ThrowIfNull(matchValue);
        ArgumentNullException.ThrowIfNull(whenTrue);
        ArgumentNullException.ThrowIfNull(whenFalse);
        return new ReferenceExpression(condition, matchValue, whenTrue, whenFalse);
    }

    /// <inheritdoc/>
    public ValueTask<string?> GetValueAsync(CancellationToken cancellationToken) => GetValueAsync(new ValueProviderContext(), cancellationToken);

    /// <inheritdoc/>
    public async ValueTask<string?> GetValueAsync(ValueProviderContext context, CancellationToken cancellationToken)
    {
        if (IsConditional)
        {
            var decided = await Condition!.GetValueAsync(context, cancellationToken).ConfigureAwait(false);
            var chosen = string.Equals(decided, MatchValue, StringComparison.OrdinalIgnoreCase) ? WhenTrue! : WhenFalse!;
            return await chosen.GetValueAsync(context, cancellationToken).ConfigureAwait(false);
        }

        if (Format.Length == 0) return null;
        var values = new object?[_valueProviders.Length];
        for (var i = 0; i < values.Length; i++)
        {
            var value = await _valueProviders[i].GetValueAsync(context, cancellationToken).ConfigureAwait(false);
            values[i] = ReferenceExpressionBuilder.Encode(value, _stringFormats[i]);
        }

        return string.Format(CultureInfo.InvariantCulture, Format, values);
    }

    /// <summary>The compiler's way from an interpolated string to an expression.</summary>
    [InterpolatedStringHandler]
    public readonly ref struct ExpressionInterpolatedStringHandler
    {
        private readonly ReferenceExpressionBuilder _builder;

        /// <summary>Called by the compiler.</summary>
        public ExpressionInterpolatedStringHandler(int literalLength, int formattedCount) => _builder = new ReferenceExpressionBuilder();

        /// <summary>Adds text; its braces stand for themselves.</summary>
        public readonly void AppendLiteral(string value) => _builder.AppendLiteral(ReferenceExpressionBuilder.Escape(value));

        /// <summary>Adds text; its braces stand for themselves.</summary>
        public readonly void AppendFormatted(string? value) => AppendFormatted(value, null);

        /// <summary>Adds text, encoded; its braces stand for themselves.</summary>
        public readonly void AppendFormatted(string? value, string? format = null) => _builder.AppendLiteral(ReferenceExpressionBuilder.Escape(ReferenceExpressionBuilder.Encode(value, format) ?? ""));

        /// <summary>Adds a value.</summary>
        public readonly void AppendFormatted<T>(T valueProvider) where T : IValueProvider, IManifestExpressionProvider =>
            _builder.AppendValueProvider(valueProvider);

        /// <summary>Adds a value, encoded.</summary>
        public readonly void AppendFormatted<T>(T valueProvider, string? format = null) where T : IValueProvider, IManifestExpressionProvider =>
            _builder.AppendValueProvider(valueProvider, format);

        /// <summary>Adds a resource's value.</summary>
        public readonly void AppendFormatted<T>(IResourceBuilder<T> valueProvider) where T : IResource, IValueProvider, IManifestExpressionProvider =>
            _builder.AppendValueProvider(valueProvider.Resource);

        /// <summary>Adds a resource's value, encoded.</summary>
        public readonly void AppendFormatted<T>(IResourceBuilder<T> valueProvider, string? format = null) where T : IResource, IValueProvider, IManifestExpressionProvider =>
            _builder.AppendValueProvider(valueProvider.Resource, format);

        /// <summary>Not supported: write the inner expression in place.</summary>
        [Obsolete("A ReferenceExpression cannot take a format here: write its parts in place.", true)]
        public readonly void AppendFormatted(ReferenceExpression valueProvider, string format) => _builder.AppendValueProvider(valueProvider, format);

        internal ReferenceExpression Build() => _builder.Build();
    }
}
