using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using AspireMesh.Protocol.Identity;
using AspireMesh.Proxy.Tests.Pairs;
using AspireMesh.Proxy.Tls;
using AspireMesh.TestKit;

namespace AspireMesh.Proxy.Tests.Tls;

/// <summary>The dialling end of a handshake; the accepting end's table is in the tests of inbound refusals.</summary>
public class HandshakeTests
{
    private static readonly TestCertificates Mesh = new();

    [Theory]
    [MemberData(nameof(BadCertificates.All), MemberType = typeof(BadCertificates))]
    public async Task A_callee_with_a_bad_certificate_is_refused_with_the_rule_it_breaks(string what, string rule)
    {
        var refused = await Assert.ThrowsAsync<HandshakeException>(() => DialAsync(BadCertificates.Make(what, Mesh)));

        Assert.Contains(rule, refused.Message);
    }

    [Fact]
    public async Task A_callee_with_a_good_certificate_is_who_it_says() => Assert.Equal(Mesh.IdOf("web"), await DialAsync(Mesh.Svid("web")));

    private static async Task<string> DialAsync(X509Certificate2 presented)
    {
        var own = new FixedSvids(Mesh, Mesh.Svid("api"));
        var handshake = new MeshHandshake(own, new PeerValidator(TrustDomain.Parse(Mesh.TrustDomain), new TrustBundle(own), TimeProvider.System));
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var serving = ServeAsync(listener, presented, limit.Token);
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(listener.LocalEndpoint, limit.Token);
        try
        {
            var secured = await handshake.ConnectAsync(socket, "web", SpiffeId.Parse(Mesh.IdOf("web")), limit.Token);
            await secured.Stream.DisposeAsync();
            return secured.Peer.ToString();
        }
        finally
        {
            await serving;
        }
    }

    private static async Task ServeAsync(TcpListener listener, X509Certificate2 presented, CancellationToken cancellationToken)
    {
        using var accepted = await listener.AcceptSocketAsync(cancellationToken);
        await using var stream = new SslStream(new NetworkStream(accepted));
        var options = new SslServerAuthenticationOptions
        {
            ServerCertificateContext = SslStreamCertificateContext.Create(presented, [], offline: true),
            ApplicationProtocols = [new SslApplicationProtocol(MeshHandshake.TunnelProtocol)],
        };
        try
        {
            await stream.AuthenticateAsServerAsync(options, cancellationToken);
            // To the end of the connection: in TLS 1.3 a server has finished before its client has judged it.
            while (await stream.ReadAsync(new byte[1], cancellationToken) != 0) continue;
        }
        catch (Exception e) when (e is IOException or AuthenticationException)
        {
            Assert.NotNull(e);
        }
    }
}
