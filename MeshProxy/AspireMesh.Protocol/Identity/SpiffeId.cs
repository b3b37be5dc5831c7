using System.Diagnostics.CodeAnalysis;

namespace AspireMesh.Protocol.Identity;

/// <summary>
/// A workload's identity, <c>spiffe://&lt;trust domain&gt;/&lt;path&gt;</c>, by the rules of the SPIFFE-ID specification section 2:
/// scheme <c>spiffe</c> in lower case, no port, user info, query, fragment or percent-encoding, no empty, <c>.</c> or <c>..</c> segment,
/// no trailing slash, at most 2048 bytes. A workload's id has a path; an id without one names a trust domain's signing authority.
/// </summary>
public sealed record SpiffeId
{
    /// <summary>The longest id the specification asks implementations to accept, in bytes.</summary>
    public const int MaxLength = 2048;

    private const string Prefix = "spiffe://";

    private SpiffeId(TrustDomain trustDomain, string path)
    {
        TrustDomain = trustDomain;
        Path = path;
    }

    /// <summary>The naming authority.</summary>
    public TrustDomain TrustDomain { get; }

    /// <summary>The path with its leading slash, or empty for a signing authority.</summary>
    public string Path { get; }

    /// <summary>The id of a workload: <c>spiffe://{trustDomain}/ns/{ns}/sa/{workload}</c> (design.md section 5).</summary>
    /// <exception cref="FormatException">One of the parts has a character that an id cannot carry.</exception>
    public static SpiffeId ForWorkload(TrustDomain trustDomain, string ns, string workload) =>
        Parse($"{Prefix}{trustDomain.Name}/ns/{ns}/sa/{workload}");

    /// <summary>Reads an id.</summary>
    /// <exception cref="FormatException">The text breaks one of the rules.</exception>
    public static SpiffeId Parse(string text) => TryParse(text, out var id, out var error) ? id : throw new FormatException(error);

    /// <summary>Reads an id; says which rule it breaks instead of throwing.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out SpiffeId? id, [NotNullWhen(false)] out string? error)
    {
        id = null;
        if (string.IsNullOrEmpty(text)) return Fail("the SPIFFE ID is empty", out error);
        if (text.Length > MaxLength) return Fail($"the SPIFFE ID is {text.Length} bytes long; the limit is {MaxLength}", out error);
        if (!text.StartsWith(Prefix, StringComparison.Ordinal)) return Fail($"'{text}' does not start with {Prefix}", out error);
        var rest = text[Prefix.Length..];
        var slash = rest.IndexOf('/');
        var domainText = slash < 0 ? rest : rest[..slash];
        if (!TrustDomain.TryParse(domainText, out var domain, out error)) return false;
        var path = slash < 0 ? "" : rest[slash..];
        error = CheckPath(path);
        if (error is not null) return false;
        id = new SpiffeId(domain, path);
        return true;
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Prefix}{TrustDomain.Name}{Path}";

    private static string? CheckPath(string path)
    {
        if (path.Length == 0) return null;
        foreach (var segment in path[1..].Split('/'))
        {
            if (segment.Length == 0) return $"the path '{path}' has an empty segment or a trailing slash";
            if (segment is "." or "..") return $"the path '{path}' has the segment '{segment}'";
            foreach (var c in segment)
            {
                if (char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_') continue;
                return $"the path '{path}' has the character '{c}'; allowed are letters, digits, '.', '-' and '_'";
            }
        }
        return null;
    }

    private static bool Fail(string reason, out string error)
    {
        error = reason;
        return false;
    }
}
