using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Tests.Pairs;
using AspireMesh.TestKit;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Tests.Pipeline;

/// <summary>A caller that leaves in the middle of a request is noticed at once, whichever way it came in: the app hears of it, and does no work for nobody.</summary>
public class DepartedCallerTests
{
    public enum Way
    {
        Listener,
        Gateway,
        TlsGateway,
        ForwardProxy,
        MtlsPeer,
        Plaintext,
    }

    [Theory]
    [InlineData(Way.Listener, false)]
    [InlineData(Way.Gateway, false)]
    [InlineData(Way.TlsGateway, false)]
    [InlineData(Way.ForwardProxy, false)]
    [InlineData(Way.MtlsPeer, true)]
    [InlineData(Way.Plaintext, true)]
    public async Task The_app_hears_that_the_caller_left(Way way, bool worksOnRequests)
    {
        var arrived = new TaskCompletionSource();
        var heard = new TaskCompletionSource();
        using var certificate = new TestCertificates().Issue(new SvidShape { DnsNames = ["localhost"] });
        var gateway = new GatewayListener { Name = "front", Listen = $"127.0.0.1:{FreePort.Next()}", Routes = [Endless(new RouteSnapshot { Name = "default", Clusters = [new ClusterWeight("api.http", 1)] })] };
        if (way == Way.TlsGateway) gateway = gateway with { CertificatePem = certificate.ExportCertificatePem() + "\n" + certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem() };
        var options = new HttpPairOptions
        {
            Caller = s => s with
            {
                Gateways = [gateway],
                Egress = new EgressListener { Listen = $"127.0.0.1:{FreePort.Next()}", Mode = EgressMode.Refuse, Destinations = [new EgressDestination { Host = "api.test", Port = 80, Listener = "api.http", Cluster = "api.http" }] },
            },
            Callee = s => s with { Mtls = MtlsMode.Permissive },
        };
        options = options.WithRoute(Endless);
        if (worksOnRequests) options = options.WithInbound(e => e with { Spans = true });
        await using var pair = await HttpPair.StartAsync(
            async c =>
            {
                using var gone = c.RequestAborted.Register(() => heard.TrySetResult());
                arrived.TrySetResult();
                await heard.Task;
            },
            options);
        using (var client = new TcpClient())
        {
            await client.ConnectAsync(IPEndPoint.Parse(AddressOf(way, pair.Pair)));
            Stream stream = client.GetStream();
            if (way is Way.TlsGateway or Way.MtlsPeer)
            {
                var tls = new SslStream(stream);
                await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
                {
                    TargetHost = "http.api",
                    ApplicationProtocols = [SslApplicationProtocol.Http11],
                    ClientCertificateContext = way == Way.MtlsPeer ? SslStreamCertificateContext.Create(pair.Pair.Certificates.Svid("web"), null, offline: true) : null,
                    RemoteCertificateValidationCallback = static (_, _, _, _) => true,
                });
                stream = tls;
            }
            await stream.WriteAsync(Encoding.ASCII.GetBytes($"GET {(way == Way.ForwardProxy ? "http://api.test" : "")}/ HTTP/1.1\r\nHost: api.test\r\n\r\n"));
            await arrived.Task.WaitAsync(TimeSpan.FromSeconds(60));
        }
        await heard.Task.WaitAsync(TimeSpan.FromSeconds(60));
    }

    // No deadline may stand in for the caller's going.
    private static RouteSnapshot Endless(RouteSnapshot route) => route with { Timeouts = new TimeoutPolicy { Request = TimeSpan.Zero } };

    private static string AddressOf(Way way, SidecarPair pair) => way switch
    {
        Way.Gateway or Way.TlsGateway => pair.CallerSnapshot.Gateways[0].Listen,
        Way.ForwardProxy => pair.CallerSnapshot.Egress!.Listen,
        Way.MtlsPeer or Way.Plaintext => pair.CalleeSnapshot.Inbound.Listen,
        _ => pair.Outbound.ToString(),
    };
}
