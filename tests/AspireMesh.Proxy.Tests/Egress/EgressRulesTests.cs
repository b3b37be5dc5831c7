using System.Net;
using System.Text;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Egress;

namespace AspireMesh.Proxy.Tests.Egress;

/// <summary>Who is declared, which addresses are out of bounds, and what a CONNECT may look like.</summary>
public class EgressRulesTests
{
    [Theory]
    [InlineData("api.partner.test", 443, true)]
    [InlineData("API.Partner.Test", 443, true)]
    [InlineData("api.partner.test.", 443, true)]
    [InlineData("api.partner.test", 80, false)]
    [InlineData("partner.test", 443, false)]
    [InlineData("evil-api.partner.test", 443, false)]
    [InlineData("2001:db8::1", 8443, true)]
    [InlineData("[2001:DB8:0::1]", 8443, true)]
    [InlineData("2001:db8::2", 8443, false)]
    public void Host_and_port_together_are_declared(string host, int port, bool declared)
    {
        var rules = new EgressRules(new EgressListener { Listen = "127.0.0.1:0", Mode = EgressMode.Refuse, Destinations = [To("api.partner.test", 443), To("[2001:db8::1]", 8443)] });
        Assert.Equal(declared, rules.Find(host, port) is not null);
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("127.8.9.1")]
    [InlineData("0.0.0.0")]
    [InlineData("169.254.169.254")]
    [InlineData("100.100.100.200")]
    [InlineData("224.0.0.1")]
    [InlineData("255.255.255.255")]
    [InlineData("::1")]
    [InlineData("::")]
    [InlineData("fe80::1")]
    [InlineData("fd00:ec2::254")]
    [InlineData("ff02::1")]
    [InlineData("::ffff:127.0.0.1")]
    [InlineData("::ffff:169.254.169.254")]
    [InlineData("64:ff9b::169.254.169.254")]
    [InlineData("::127.0.0.1")]
    public void This_machine_the_link_and_metadata_services_are_out_of_bounds_in_every_spelling(string address) => Assert.NotNull(ForbiddenAddresses.Find(IPAddress.Parse(address)));

    [Theory]
    [InlineData("93.184.216.34")]
    [InlineData("10.0.0.1")]
    [InlineData("192.168.1.1")]
    [InlineData("2606:2800:220:1::1")]
    [InlineData("64:ff9b::8.8.8.8")]
    [InlineData("::ffff:10.0.0.1")]
    public void Others_are_not(string address) => Assert.Null(ForbiddenAddresses.Find(IPAddress.Parse(address)));

    [Theory]
    [InlineData("CONNECT a.test:443 HTTP/1.1\r\nHost: b.test\r\n\r\n", "a.test", 443)]
    [InlineData("CONNECT a.test:443 HTTP/1.0\r\n\r\n", "a.test", 443)]
    [InlineData("CONNECT [2001:db8::1]:8443 HTTP/1.1\r\nProxy-Connection: keep-alive\r\n\r\n", "2001:db8::1", 8443)]
    public void A_good_connect_says_host_and_port_by_its_target_alone(string text, string host, int port)
    {
        var head = ConnectHead.Read(Encoding.Latin1.GetBytes(text), out _)!;
        Assert.Equal((host, port, text.Length), (head.Host, head.Port, head.Length));
    }

    [Theory]
    [InlineData("CONNECT a.test HTTP/1.1\r\n\r\n")]
    [InlineData("CONNECT a.test:0 HTTP/1.1\r\n\r\n")]
    [InlineData("CONNECT a.test:65536 HTTP/1.1\r\n\r\n")]
    [InlineData("CONNECT :443 HTTP/1.1\r\n\r\n")]
    [InlineData("CONNECT http://a.test:443 HTTP/1.1\r\n\r\n")]
    [InlineData("CONNECT user@a.test:443 HTTP/1.1\r\n\r\n")]
    [InlineData("CONNECT 2001:db8::1:443 HTTP/1.1\r\n\r\n")]
    [InlineData("CONNECT [a.test]:443 HTTP/1.1\r\n\r\n")]
    [InlineData("CONNECT a.test:443 HTTP/2.0\r\n\r\n")]
    [InlineData("CONNECT a.test:443  HTTP/1.1\r\n\r\n")]
    [InlineData("CONNECT a.test:443 HTTP/1.1\r\nHost: a\nX: b\r\n\r\n")]
    [InlineData("CONNECT a.test:443 HTTP/1.1\r\nHost : a\r\n\r\n")]
    [InlineData("CONNECT a.test:443 HTTP/1.1\r\n folded\r\n\r\n")]
    [InlineData("CONNECT a.test:443 HTTP/1.1\r\nX: \0\r\n\r\n")]
    [InlineData("CONNECT a\u00fc.test:443 HTTP/1.1\r\n\r\n")]
    [InlineData("CONNECT a.test:443 HTTP/1.1\r\nContent-Length: 3\r\n\r\n")]
    [InlineData("CONNECT a.test:443 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")]
    public void A_connect_that_two_readers_could_take_for_two_things_is_refused(string text)
    {
        Assert.Null(ConnectHead.Read(Encoding.Latin1.GetBytes(text), out var problem));
        Assert.NotEmpty(problem);
    }

    [Fact]
    public void Whatever_the_head_is_reading_it_ends_and_never_with_a_target_that_is_none()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        for (var i = 0; i < 20_000; i++)
        {
            var bytes = Encoding.Latin1.GetBytes("CONNECT a.test:443 HTTP/1.1\r\nHost: a.test\r\n\r\n");
            for (var change = random.Next(1, 5); change > 0; change--) bytes[random.Next(8, bytes.Length - 4)] = (byte)random.Next(256);
            if (ConnectHead.Read(bytes, out _) is not { } head) continue;
            Assert.True(head.Port is >= 1 and <= 65535 && Uri.CheckHostName(head.Host.TrimEnd('.')) != UriHostNameType.Unknown | head.Host.Any(c => c is '_' or '-' or '.'), $"seed {seed}: {head}");
        }
    }

    private static EgressDestination To(string host, int port) => new() { Host = host, Port = port, Listener = "l", Cluster = "c" };
}
