using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;

namespace AspireMesh.Manifests.Injecting;

/// <summary>
/// The text that a document had before a sidecar was put in, kept in a comment below it: YAML that is read and written again loses comments, anchors and line breaks.
/// It is given back as long as nobody changed the document since; a cluster never sees it.
/// </summary>
internal static class KeptOriginal
{
    private const string Comment = "# aspiremesh.dev/original: ";

    /// <summary>A changed document with the original in a comment below.</summary>
    public static string Keep(string changed, string original)
    {
        using var packed = new MemoryStream();
        using (var zip = new BrotliStream(packed, CompressionLevel.SmallestSize, leaveOpen: true)) zip.Write(Encoding.UTF8.GetBytes(original));
        return $"{changed}{Comment}{Digest(changed)} {Convert.ToBase64String(packed.ToArray())}\n";
    }

    /// <summary>The original of a document; null where none is kept, or the document was changed since.</summary>
    public static string? Of(string document)
    {
        var text = document.ReplaceLineEndings("\n");
        var at = text.LastIndexOf(Comment, StringComparison.Ordinal);
        if (at < 0 || text[(at + Comment.Length)..].Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries) is not [var digest, var packed]) return null;
        if (digest != Digest(text[..at])) return null;
        try
        {
            using var unzip = new BrotliStream(new MemoryStream(Convert.FromBase64String(packed)), CompressionMode.Decompress);
            using var original = new MemoryStream();
            unzip.CopyTo(original);
            return Encoding.UTF8.GetString(original.ToArray());
        }
        catch (Exception e) when (e is FormatException or InvalidDataException or InvalidOperationException)
        {
            return null;
        }
    }

    private static string Digest(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..16];
}
