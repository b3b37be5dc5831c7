using System.Collections.Frozen;
using System.Text;

namespace AspireMesh.Proxy.Outbound.Forwarding.Http1;

/// <summary>
/// Strings for header names, and for the value each had last: an app sends the same few in every answer, so that most answers need no new string. The table
/// is shared and never locked: an entry is replaced whole, and one that was lost to another thread is only made again.
/// </summary>
internal static class HeaderTexts
{
    private const int Slots = 512;
    private static readonly HeaderText?[] s_texts = new HeaderText?[Slots];

    /// <summary>The entry of a name, exactly as it is written.</summary>
    public static HeaderText Find(ReadOnlySpan<byte> name)
    {
        ref var slot = ref s_texts[((name.Length * 31) + (name[0] * 17) + (name[^1] * 7) + name[name.Length / 2]) % Slots];
        var found = Volatile.Read(ref slot);
        if (found is not null && Ascii.Equals(name, found.Name)) return found;
        found = new HeaderText(Encoding.Latin1.GetString(name));
        Volatile.Write(ref slot, found);
        return found;
    }
}

/// <summary>A header name, what is known about it, and the last value seen.</summary>
internal sealed class HeaderText(string name)
{
    /// <summary>Longer values seldom come twice.</summary>
    private const int LongestKept = 64;

    private string _value = "";

    public string Name { get; } = name;

    /// <summary>It is about one connection and never passed on.</summary>
    public bool IsHopByHop { get; } = HopByHop.Contains(name);

    public bool IsContentLength { get; } = name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase);

    public string ValueOf(ReadOnlySpan<byte> value)
    {
        if (value.Length > LongestKept) return Encoding.Latin1.GetString(value);
        var last = _value;
        if (last.Length == value.Length && Ascii.Equals(value, last)) return last;
        return _value = Encoding.Latin1.GetString(value);
    }
}

/// <summary>Fields that are about one connection (RFC 9110 7.6.1), and those that YARP keeps back too: what a caller and an app hear must not depend on which of the two forwarders carried it.</summary>
internal static class HopByHop
{
    private static readonly FrozenSet<string> s_names = new[]
    {
        "Connection", "Transfer-Encoding", "Keep-Alive", "Upgrade", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authentication-Info", "Proxy-Authorization", "Proxy-Features",
        "Proxy-Instruction", "Security-Scheme", "ALPN", "Close", "HTTP2-Settings", "Upgrade-Insecure-Requests", "TE", "Alt-Svc",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    public static bool Contains(string name) => s_names.Contains(name);
}
