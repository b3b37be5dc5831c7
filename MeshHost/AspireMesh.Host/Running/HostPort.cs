using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using AspireMesh.Protocol.Diagnostics;

namespace AspireMesh.Host.Running;

/// <summary>An address as <c>host:port</c>.</summary>
internal sealed record HostPort(string Host, int Port)
{
    /// <summary>Reads one; port 0 is taken, a missing port is not.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out HostPort? address)
    {
        address = null;
        var colon = text?.LastIndexOf(':') ?? -1;
        if (colon <= 0 || !int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port > 65535) return false;
        var host = text![..colon];
        if (host.Contains(':') && !(host.StartsWith('[') && host.EndsWith(']'))) return false;
        if (Uri.CheckHostName(host) == UriHostNameType.Unknown && host != "*") return false;
        address = new HostPort(host, port);
        return true;
    }

    /// <summary>Reads one.</summary>
    /// <exception cref="MeshValidationException">It is none.</exception>
    public static HostPort Parse(string text) =>
        TryParse(text, out var address) ? address : throw new MeshValidationException([MeshDiagnostics.BadAddress.Found($"The address '{text}' cannot be used. Write host:port, for example 127.0.0.1:0.")]);

    /// <summary>Whether only this machine reaches it.</summary>
    public bool IsLoopback => Host == "localhost" || (IPAddress.TryParse(Host.Trim('[', ']'), out var ip) && IPAddress.IsLoopback(ip));

    /// <summary>As something to bind; the name <c>localhost</c> is IPv4 loopback.</summary>
    public IPEndPoint ToEndPoint() => new(Host switch { "localhost" => IPAddress.Loopback, "*" => IPAddress.Any, _ => IPAddress.Parse(Host.Trim('[', ']')) }, Port);

    /// <inheritdoc/>
    public override string ToString() => $"{Host}:{Port}";
}
