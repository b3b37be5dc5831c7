using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace AspireMesh.Proxy.Interception;

/// <summary>Where an app dialled before its connection was redirected here: the kernel keeps it with the connection (Linux).</summary>
internal static class OriginalDestination
{
    // linux/netfilter_ipv4.h and linux/netfilter_ipv6/ip6_tables.h: the same number at the two protocols' levels.
    private const int OriginalDst = 80;
    private const int LevelIp = 0;
    private const int LevelIp6 = 41;
    private const int AddressIn = 16;
    private const int AddressIn6 = 28;

    /// <summary>The address; null for a connection that was made to the listener itself.</summary>
    public static IPEndPoint? Of(Socket socket)
    {
        if (!OperatingSystem.IsLinux()) return null;
        try
        {
            var six = socket.AddressFamily == AddressFamily.InterNetworkV6;
            Span<byte> raw = stackalloc byte[AddressIn6];
            var length = socket.GetRawSocketOption(six ? LevelIp6 : LevelIp, OriginalDst, raw[..(six ? AddressIn6 : AddressIn)]);
            var found = Read(raw[..length], six);
            // Without a redirect the answer is the listener's own address, or none at all.
            return found is null || found.Equals(socket.LocalEndPoint) ? null : found;
        }
        catch (SocketException)
        {
            return null;
        }
    }

    /// <summary>A <c>sockaddr_in</c> or <c>sockaddr_in6</c>: two bytes of family, the port, then the address (behind four bytes of flow label for IPv6).</summary>
    internal static IPEndPoint? Read(ReadOnlySpan<byte> raw, bool six)
    {
        if (raw.Length < (six ? 24 : 8)) return null;
        var port = BinaryPrimitives.ReadUInt16BigEndian(raw[2..]);
        return new IPEndPoint(new IPAddress(six ? raw.Slice(8, 16) : raw.Slice(4, 4)), port);
    }
}
