using System.Diagnostics.CodeAnalysis;

namespace AspireMesh.Protocol.Identity;

/// <summary>The naming authority of one mesh: lower-case letters, digits, <c>.</c>, <c>-</c> and <c>_</c>, at most 255 bytes (SPIFFE-ID section 2.1).</summary>
public sealed record TrustDomain
{
    /// <summary>The longest name the SPIFFE-ID specification allows, in bytes.</summary>
    public const int MaxLength = 255;

    private TrustDomain(string name) => Name = name;

    /// <summary>The name, for example <c>shop.mesh</c>.</summary>
    public string Name { get; }

    /// <summary>Reads a trust domain.</summary>
    /// <exception cref="FormatException">The text is empty, too long or has a character outside the allowed set.</exception>
    public static TrustDomain Parse(string text) =>
        TryParse(text, out var domain, out var error) ? domain : throw new FormatException(error);

    /// <summary>Reads a trust domain; says what is wrong with it instead of throwing.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out TrustDomain? domain, [NotNullWhen(false)] out string? error)
    {
        domain = null;
        error = Check(text);
        if (error is not null) return false;
        domain = new TrustDomain(text!);
        return true;
    }

    /// <inheritdoc/>
    public override string ToString() => Name;

    private static string? Check(string? text)
    {
        if (string.IsNullOrEmpty(text)) return "the trust domain is empty";
        if (text.Length > MaxLength) return $"the trust domain is {text.Length} bytes long; the limit is {MaxLength}";
        foreach (var c in text)
        {
            if (char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '.' or '-' or '_') continue;
            return $"the trust domain '{text}' has the character '{c}'; allowed are a-z, 0-9, '.', '-' and '_'";
        }
        return null;
    }
}
