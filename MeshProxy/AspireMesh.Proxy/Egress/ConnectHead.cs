using System.Globalization;
using System.Text;

namespace AspireMesh.Proxy.Egress;

/// <summary>
/// The head of a CONNECT request (RFC 9110 section 9.3.6, RFC 9112 section 3.2.3). Kestrel cannot give the connection away after it, so it is read here: the target,
/// and that the rest is a head at all. Its fields mean nothing to a tunnel, Host included: the target alone says where it goes.
/// </summary>
/// <param name="Host">The host that was asked for, an IPv6 address without brackets.</param>
/// <param name="Port">The port.</param>
/// <param name="Length">How many bytes the head takes; what follows is the tunnel's.</param>
internal sealed record ConnectHead(string Host, int Port, int Length)
{
    /// <summary>The most bytes a head may have.</summary>
    public const int MaxBytes = 16 * 1024;

    /// <summary>How it begins. Methods are case-sensitive.</summary>
    public static ReadOnlySpan<byte> Start => "CONNECT "u8;

    /// <summary>The length of the head; 0 while its end has not come.</summary>
    public static int Find(ReadOnlySpan<byte> bytes)
    {
        var end = bytes.IndexOf("\r\n\r\n"u8);
        return end < 0 ? 0 : end + 4;
    }

    /// <summary>Reads a whole head. Null with the problem where it is none that RFC 9112 allows.</summary>
    public static ConnectHead? Read(ReadOnlySpan<byte> head, out string problem)
    {
        problem = "it is no request head";
        foreach (var b in head)
        {
            if (b is 0 or >= 0x80) return null;
        }
        var lines = Encoding.ASCII.GetString(head[..^4]).Split("\r\n");
        // A bare CR or LF: another reader could see another head.
        if (lines.Any(l => l.AsSpan().ContainsAny('\r', '\n'))) return null;
        var parts = lines[0].Split(' ');
        if (parts.Length != 3 || parts[2] is not ("HTTP/1.1" or "HTTP/1.0")) return null;
        if (!lines[1..].All(IsField)) return null;
        // A CONNECT has no content (RFC 9110 section 9.3.6), and bytes that claim to be some would be taken for the tunnel's.
        if (lines[1..].Any(l => l.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase) || l.StartsWith("Transfer-Encoding:", StringComparison.OrdinalIgnoreCase)))
        {
            problem = "a CONNECT has no content";
            return null;
        }
        if (ReadTarget(parts[1]) is var (host, port)) return new ConnectHead(host, port, head.Length);
        problem = $"its target '{parts[1]}' is no host:port";
        return null;
    }

    private static (string Host, int Port)? ReadTarget(string target)
    {
        var colon = target.LastIndexOf(':');
        if (colon <= 0 || !int.TryParse(target.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port is < 1 or > 65535) return null;
        var host = target[..colon];
        if (host.StartsWith('['))
        {
            return host.EndsWith(']') && System.Net.IPAddress.TryParse(host[1..^1], out var address) && address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? (host[1..^1], port) : null;
        }
        return host.Length <= 254 && host.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_') ? (host, port) : null;
    }

    private static bool IsField(string line)
    {
        var colon = line.IndexOf(':');
        return colon > 0 && line.AsSpan(0, colon).IndexOfAnyExcept("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") < 0;
    }
}
