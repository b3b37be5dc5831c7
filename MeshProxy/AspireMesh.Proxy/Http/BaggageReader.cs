using Microsoft.Extensions.Primitives;

namespace AspireMesh.Proxy.Http;

/// <summary>Reads single members of the W3C baggage header. At most 64 members and 8192 bytes are looked at: the limits of the W3C text.</summary>
internal static class BaggageReader
{
    private const int MaxBytes = 8192;
    private const int MaxMembers = 64;

    public static string? Find(StringValues header, string name)
    {
        var members = 0;
        foreach (var line in header)
        {
            if (line is null || line.Length > MaxBytes) continue;
            foreach (var range in line.AsSpan().Split(','))
            {
                if (++members > MaxMembers) return null;
                var member = line.AsSpan()[range];
                var properties = member.IndexOf(';');
                if (properties >= 0) member = member[..properties];
                var equals = member.IndexOf('=');
                if (equals <= 0 || !member[..equals].Trim().SequenceEqual(name)) continue;
                return Uri.UnescapeDataString(member[(equals + 1)..].Trim());
            }
        }

        return null;
    }
}
