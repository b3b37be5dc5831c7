using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>Builds a <see cref="ReferenceExpression"/> piece by piece.</summary>
public class ReferenceExpressionBuilder
{
    private readonly StringBuilder _format = new();
    private readonly List<string> _manifestExpressions = [];
    private readonly List<string?> _stringFormats = [];
    private readonly List<IValueProvider> _valueProviders = [];

    /// <summary>Whether nothing was added yet.</summary>
    public bool IsEmpty => _format.Length == 0;

    /// <summary>Adds an interpolated string.</summary>
    public void Append([InterpolatedStringHandlerArgument("")] in ReferenceExpressionBuilderInterpolatedStringHandler handler)
    {
        // The handler wrote into this builder while it was made.
    }

    /// <summary>
    /// Adds text as it stands in a composite format: a brace that is meant is written twice. An interpolated <see cref="ReferenceExpression.Create(in ReferenceExpression.ExpressionInterpolatedStringHandler)"/>
    /// doubles braces by itself, a builder does not (as in Aspire, where text copied from another expression's format stays right).
    /// </summary>
    public void AppendLiteral(string value) => _format.Append(value);

    /// <summary>Adds text as it stands in a composite format; null adds nothing.</summary>
    public void AppendFormatted(string? value) => _format.Append(value);

    /// <summary>Adds text as it stands in a composite format, encoded; null adds nothing.</summary>
    public void AppendFormatted(string? value, string? format = null) => _format.Append(Encode(value, format));

    /// <summary>Adds a value.</summary>
    public void AppendFormatted<T>(T valueProvider) where T : IValueProvider, IManifestExpressionProvider => AppendValueProvider(valueProvider);

    /// <summary>Adds a value, encoded.</summary>
    public void AppendFormatted<T>(T valueProvider, string? format) where T : IValueProvider, IManifestExpressionProvider =>
        AppendValueProvider(valueProvider, format);

    /// <summary>Not supported: write the inner expression in place.</summary>
    [Obsolete("A ReferenceExpression cannot take a format here: write its parts in place.", true)]
    public void AppendFormatted(ReferenceExpression valueProvider, string format) => AppendValueProvider(valueProvider, format);

    /// <summary>Adds a value that is both an <see cref="IValueProvider"/> and an <see cref="IManifestExpressionProvider"/>, or the builder of a resource that is.</summary>
    /// <exception cref="ArgumentException"><paramref name="valueProvider"/> is not both.</exception>
    public void AppendValueProvider(object valueProvider, string? format = null)
    {
        if (valueProvider is IResourceBuilder<IResource> builder) valueProvider = builder.Resource;
        if (valueProvider is not (IValueProvider value and IManifestExpressionProvider expression))
        {
            throw new ArgumentException($"A '{valueProvider?.GetType()}' cannot stand in an expression: it has to be an IValueProvider and an IManifestExpressionProvider.", nameof(valueProvider));
        }

        _format.Append(CultureInfo.InvariantCulture, $"{{{_valueProviders.Count}}}");
        _valueProviders.Add(value);
        _manifestExpressions.Add(expression.ValueExpression);
        _stringFormats.Add(format);
    }

    /// <summary>The expression of what was added so far.</summary>
    public ReferenceExpression Build() => new(_format.ToString(), [.. _valueProviders], [.. _manifestExpressions], [.. _stringFormats]);

    /// <summary>Doubles single braces; those that are doubled already stay.</summary>
    internal static string Escape(string value)
    {
        if (value.AsSpan().IndexOfAny('{', '}') < 0) return value;
        var escaped = new StringBuilder(value.Length + 4);
        for (var i = 0; i < value.Length; i++)
        {
            var c = value[i];
            escaped.Append(c);
            if (c is not ('{' or '}')) continue;
            escaped.Append(c);
            if (i + 1 < value.Length && value[i + 1] == c) i++;
        }
        return escaped.ToString();
    }

    internal static string? Encode(string? value, string? format) => (value, format) switch
    {
        (null, _) or (_, null or "") => value,
        (_, "uri") => Uri.EscapeDataString(value),
        _ => throw new FormatException($"'{format}' is not an encoding of a value in an expression. Known: uri."),
    };

    /// <summary>The compiler's way from an interpolated string into a builder.</summary>
    [InterpolatedStringHandler]
    public readonly ref struct ReferenceExpressionBuilderInterpolatedStringHandler
    {
        private readonly ReferenceExpressionBuilder _builder;

        /// <summary>Called by the compiler.</summary>
        public ReferenceExpressionBuilderInterpolatedStringHandler(int literalLength, int formattedCount, ReferenceExpressionBuilder builder) => _builder = builder;

        /// <summary>Adds text.</summary>
        public readonly void AppendLiteral(string value) => _builder.AppendLiteral(value);

        /// <summary>Adds text.</summary>
        public readonly void AppendFormatted(string? value) => _builder.AppendFormatted(value);

        /// <summary>Adds text, encoded.</summary>
        public readonly void AppendFormatted(string? value, string format) => _builder.AppendFormatted(value, format);

        /// <summary>Adds a value.</summary>
        public readonly void AppendFormatted<T>(T valueProvider) where T : IValueProvider, IManifestExpressionProvider => _builder.AppendValueProvider(valueProvider);

        /// <summary>Adds a value, encoded.</summary>
        public readonly void AppendFormatted<T>(T valueProvider, string? format) where T : IValueProvider, IManifestExpressionProvider => _builder.AppendValueProvider(valueProvider, format);

        /// <summary>Adds a resource's value.</summary>
        public readonly void AppendFormatted<T>(IResourceBuilder<T> valueProvider) where T : IResource, IValueProvider, IManifestExpressionProvider => _builder.AppendValueProvider(valueProvider.Resource);

        /// <summary>Adds a resource's value, encoded.</summary>
        public readonly void AppendFormatted<T>(IResourceBuilder<T> valueProvider, string? format) where T : IResource, IValueProvider, IManifestExpressionProvider => _builder.AppendValueProvider(valueProvider.Resource, format);

        /// <summary>Not supported: write the inner expression in place.</summary>
        [Obsolete("A ReferenceExpression cannot take a format here: write its parts in place.", true)]
        public readonly void AppendFormatted(ReferenceExpression valueProvider, string format) => _builder.AppendValueProvider(valueProvider, format);
    }
}
