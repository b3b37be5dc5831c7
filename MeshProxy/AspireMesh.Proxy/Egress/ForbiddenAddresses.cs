using System.Net;
using System.Net.Sockets;

namespace AspireMesh.Proxy.Egress;

/// <summary>
/// Addresses that no undeclared call may reach through a sidecar, whatever name led to them: this machine itself, the link it is on, where clouds keep their metadata
/// services (169.254.169.254, fd00:ec2::254, 100.100.100.200), and what is no single host. A web page that makes an app fetch an address of its choosing
/// (server-side request forgery) usually asks for one of these. Private networks stay open: a company's own services are there.
/// </summary>
internal static class ForbiddenAddresses
{
    private static readonly (IPNetwork Network, string What)[] s_forbidden =
    [
        (IPNetwork.Parse("127.0.0.0/8"), "this machine"),
        (IPNetwork.Parse("::1/128"), "this machine"),
        (IPNetwork.Parse("0.0.0.0/8"), "this machine"),
        (IPNetwork.Parse("::/128"), "this machine"),
        (IPNetwork.Parse("169.254.0.0/16"), "the local link, where clouds keep metadata and credentials"),
        (IPNetwork.Parse("fe80::/10"), "the local link"),
        (IPNetwork.Parse("fd00:ec2::/32"), "a cloud's metadata service"),
        (IPNetwork.Parse("100.100.100.200/32"), "a cloud's metadata service"),
        (IPNetwork.Parse("224.0.0.0/3"), "no single host"),
        (IPNetwork.Parse("ff00::/8"), "no single host"),
    ];

    /// <summary>What an address is, where it is forbidden; null where it is not.</summary>
    public static string? Find(IPAddress address)
    {
        if (Inner(address) is { } inner) return Find(inner);
        foreach (var (network, what) in s_forbidden)
        {
            if (address.AddressFamily == network.BaseAddress.AddressFamily && network.Contains(address)) return what;
        }
        return null;
    }

    // An IPv4 address in IPv6 clothes: mapped (::ffff:a.b.c.d), translated (64:ff9b::a.b.c.d, RFC 6052), compatible (::a.b.c.d).
    private static IPAddress? Inner(IPAddress address)
    {
        if (address.AddressFamily != AddressFamily.InterNetworkV6) return null;
        if (address.IsIPv4MappedToIPv6) return address.MapToIPv4();
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out _);
        ReadOnlySpan<byte> translated = [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0];
        var compatible = !bytes[..12].ContainsAnyExcept((byte)0) && bytes[12] != 0;
        return compatible || bytes[..12].SequenceEqual(translated) ? new IPAddress(bytes[12..]) : null;
    }
}
