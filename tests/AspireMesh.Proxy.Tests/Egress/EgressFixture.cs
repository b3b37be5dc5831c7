using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Tests.Pipeline;
using AspireMesh.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Proxy.Tests.Egress;

/// <summary>A sidecar with a forward proxy, two services outside the mesh that are declared (https://partner.test, http://plain.test) and one that is not.</summary>
internal sealed class EgressFixture : IAsyncDisposable
{
    private readonly WebApplication _partner;

    private EgressFixture(HttpPair pair, TestApp plain, WebApplication partner, TestCertificates authority, int port) =>
        (Pair, Plain, _partner, Authority, Port) = (pair, plain, partner, authority, port);

    public HttpPair Pair { get; }

    public TestApp Plain { get; }

    public TestCertificates Authority { get; }

    /// <summary>The forward proxy's.</summary>
    public int Port { get; }

    public static async Task<EgressFixture> StartAsync(EgressMode mode = EgressMode.Refuse, RequestDelegate? plain = null)
    {
        var authority = new TestCertificates();
        var port = FreePort.Next();
        var plainApp = await TestApp.StartAsync(plain ?? (c => c.Response.WriteAsync($"plain {c.Request.Host}{c.Request.Path}")));
        var (partner, partnerAddress) = await PartnerAsync(authority);
        var pair = await HttpPair.StartAsync(c => c.Response.WriteAsync("inside"), new HttpPairOptions
        {
            Caller = s => s with
            {
                Requires = [SnapshotFeatures.Egress],
                Egress = new EgressListener
                {
                    Listen = $"127.0.0.1:{port}",
                    Mode = mode,
                    Destinations =
                    [
                        new EgressDestination { Host = "partner.test", Port = 443, Tls = true, Listener = "partner.https", Cluster = "partner.https[opaque]" },
                        new EgressDestination { Host = "plain.test", Port = 80, Listener = "plain.http", Cluster = "plain.http[opaque]" },
                    ],
                },
                Outbound = [s.Outbound[0], Listener("partner", "https"), Listener("plain", "http")],
                Clusters =
                [
                    s.Clusters[0],
                    Outside("partner.https", ClusterKind.Tls, partnerAddress) with { TrustedRoots = authority.RootPem },
                    Outside("partner.https[opaque]", ClusterKind.Plain, partnerAddress),
                    Outside("plain.http", ClusterKind.Plain, plainApp.Address),
                    Outside("plain.http[opaque]", ClusterKind.Plain, plainApp.Address),
                ],
            },
        });
        return new EgressFixture(pair, plainApp, partner, authority, port);
    }

    /// <summary>An app's client that was told of the proxy.</summary>
    public HttpClient Client() => new(new SocketsHttpHandler { Proxy = new WebProxy($"http://127.0.0.1:{Port}") { BypassProxyOnLocal = false }, UseProxy = true, AllowAutoRedirect = false, SslOptions = Trusting() })
    {
        Timeout = TimeSpan.FromSeconds(60),
    };

    /// <summary>What trusts the partner's CA.</summary>
    public SslClientAuthenticationOptions Trusting()
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.AddRange(Authority.Roots);
        return new SslClientAuthenticationOptions { CertificateChainPolicy = policy };
    }

    public async ValueTask DisposeAsync()
    {
        await Pair.DisposeAsync();
        await Plain.DisposeAsync();
        await _partner.DisposeAsync();
    }

    private static OutboundListener Listener(string to, string endpoint) => new()
    {
        Name = $"{to}.{endpoint}",
        Listen = $"127.0.0.1:{FreePort.Next()}",
        Destination = to,
        Endpoint = endpoint,
        Routes = [new RouteSnapshot { Name = "default", Clusters = [new ClusterWeight($"{to}.{endpoint}", 1)], Retry = new RetryPolicy { BackoffBase = TimeSpan.FromMilliseconds(1), BackoffMax = TimeSpan.FromMilliseconds(2) } }],
    };

    private static ClusterSnapshot Outside(string name, ClusterKind kind, string address) => new()
    {
        Name = name,
        Workload = name.Split('.')[0],
        Endpoint = name.Split('.', '[')[1],
        Kind = kind,
        ServerName = $"{name.Split('.')[0]}.test",
        Destinations = [new DestinationSnapshot { Name = address, Address = address }],
    };

    private static async Task<(WebApplication App, string Address)> PartnerAsync(TestCertificates authority)
    {
        var certificate = X509CertificateLoader.LoadPkcs12(authority.Issue(new SvidShape { DnsNames = ["partner.test", "other.test"] }).Export(X509ContentType.Pkcs12), null);
        var port = FreePort.Next();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, port, l => l.UseHttps(certificate)));
        var app = builder.Build();
        app.Run(c => c.Response.WriteAsync($"partner {c.Request.Scheme} {c.Request.Host}{c.Request.Path}"));
        await app.StartAsync();
        return (app, $"127.0.0.1:{port}");
    }
}
