using System.Net;
using System.Net.Sockets;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Faults;
using AspireMesh.Proxy.Http;
using AspireMesh.Proxy.Runtime;
using AspireMesh.Proxy.Tests.Pairs;
using AspireMesh.TestKit;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Tests.Sockets;

public class HttpListenerTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task One_outbound_port_takes_http_1_and_cleartext_http_2(string version)
    {
        await using var pair = await PairAsync();
        using var client = new HttpClient();
        Assert.Equal($"HTTP/{version[..1]}{(version == "1.1" ? ".1" : "")} Outbound api.http", await AskAsync(client, pair.OutboundUri, version));
    }

    [Fact]
    public async Task A_first_line_that_arrives_byte_by_byte_is_still_http_1()
    {
        await using var pair = await PairAsync();
        using var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync(pair.Outbound);
        foreach (var b in "PUT / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"u8.ToArray()) await client.GetStream().WriteAsync(new[] { b });
        using var reader = new StreamReader(client.GetStream());
        Assert.Contains("HTTP/1.1 Outbound api.http", await reader.ReadToEndAsync().WaitAsync(Patience));
    }

    [Fact]
    public async Task A_new_snapshot_opens_and_closes_ports_and_leaves_open_connections_alone()
    {
        await using var pair = await PairAsync();
        using var client = new HttpClient();
        var old = pair.OutboundUri;
        Assert.EndsWith("api.http", await AskAsync(client, old, "1.1"));
        await pair.ApplyCallerAsync(pair.CallerSnapshot with { Outbound = [pair.CallerSnapshot.Outbound[0] with { Listen = $"127.0.0.1:{FreePort.Next()}" }] });
        using var fresh = new HttpClient();
        Assert.EndsWith("api.http", await AskAsync(fresh, pair.OutboundUri, "1.1"));
        Assert.EndsWith("api.http", await AskAsync(client, old, "1.1"));
        await Assert.ThrowsAsync<HttpRequestException>(() => AskAsync(fresh, old, "1.1"));
    }

    [Fact]
    public async Task A_port_in_use_is_named_and_opened_once_it_is_free()
    {
        await using var pair = await PairAsync();
        using var holder = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        holder.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        holder.Listen();
        await pair.ApplyCallerAsync(pair.CallerSnapshot with { Outbound = [pair.CallerSnapshot.Outbound[0] with { Listen = holder.LocalEndPoint!.ToString()! }] });
        Assert.Contains("is in use", pair.Caller.State.ListenerProblems["api.http"]);
        using var inboundHolder = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        inboundHolder.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        inboundHolder.Listen();
        var inbound = inboundHolder.LocalEndPoint!.ToString()!;
        await pair.ApplyCallerAsync(pair.CallerSnapshot with { Inbound = pair.CallerSnapshot.Inbound with { Listen = inbound } });
        Assert.Contains("is in use", pair.Caller.State.ListenerProblems["inbound"]);
        inboundHolder.Dispose();
        holder.Dispose();
        await RecordedEvents.EventuallyAsync(() => pair.Caller.State.ListenerProblems.IsEmpty ? true : (bool?)null);
        Assert.Equal(inbound, pair.Caller.State.InboundAddress);
        using var client = new HttpClient();
        Assert.EndsWith("api.http", await AskAsync(client, pair.OutboundUri, "1.1"));
    }

    [Theory]
    [InlineData("1.1", false)]
    [InlineData("1.1", true)]
    [InlineData("2.0", true)]
    public async Task A_gateway_takes_plain_http_and_tls(string version, bool tls)
    {
        var certificates = new TestCertificates();
        using var certificate = certificates.Issue(new SvidShape { DnsNames = ["localhost"] });
        var pem = certificate.ExportCertificatePem() + "\n" + certificate.GetECDsaPrivateKeyPem();
        var gateway = new GatewayListener { Name = "public", Listen = $"127.0.0.1:{FreePort.Next()}", CertificatePem = tls ? pem : null };
        await using var pair = await PairAsync();
        await pair.ApplyCallerAsync(pair.CallerSnapshot with { Gateways = [gateway] });
        using var handler = new HttpClientHandler { ServerCertificateCustomValidationCallback = HttpClientHandler.DangerousAcceptAnyServerCertificateValidator };
        using var client = new HttpClient(handler);
        Assert.EndsWith("Gateway public", await AskAsync(client, new Uri($"{(tls ? "https" : "http")}://{gateway.Listen}/"), version));
    }

    [Fact]
    public async Task A_bad_snapshot_names_every_problem_and_leaves_the_last_good_one_in_force()
    {
        await using var pair = await PairAsync();
        var good = pair.CallerSnapshot;
        var bad = good with
        {
            Version = 9,
            Requires = ["time travel"],
            Outbound = [good.Outbound[0] with { Listen = "nowhere", Routes = [new RouteSnapshot { Name = "r", Clusters = [new ClusterWeight("missing", 1)] }] }],
            Clusters = [good.Clusters[0] with { ExpectedIdentity = null }],
        };
        var errors = await pair.Caller.Snapshots.ApplyAsync(bad, default);
        Assert.Equal(4, errors.Count);
        Assert.Equal(good.Version, pair.Caller.State.Snapshot!.Version);
        using var client = new HttpClient();
        Assert.EndsWith("api.http", await AskAsync(client, pair.OutboundUri, "1.1"));
    }

    private static Task<SidecarPair> PairAsync() => SidecarPair.StartAsync(new SidecarPairOptions { Protocol = AppProtocol.Http, App = "127.0.0.1:1", Pipeline = static _ => new SayWhere() });

    private static async Task<string> AskAsync(HttpClient client, Uri uri, string version)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, uri) { Version = Version.Parse(version), VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        using var response = await client.SendAsync(request).WaitAsync(Patience);
        return await response.Content.ReadAsStringAsync();
    }

    private sealed class SayWhere : IHttpPipeline
    {
        public ITrafficRules Compile(MeshSnapshot snapshot, ITrafficRules? previous, List<string> errors) => new NoRules();

        public Task HandleAsync(HttpContext context, HttpEntry entry, SidecarRuntime runtime) =>
            context.Response.WriteAsync($"{context.Request.Protocol} {entry.Side} {entry.Name}");

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;

        private sealed class NoRules : ITrafficRules
        {
            public IDestinationLease? Choose(string cluster, IReadOnlyCollection<string> tried, IPAddress? from) => null;

            public TlsChoice? ChooseTls(MeshSide side, string listener, string? serverName) => null;

            public FiredFaults? Decide(string cluster, FaultStage stage) => null;

            public FiredFaults? DecideInbound(string endpoint, string? caller) => null;

            public FiredFaults? DecideHandshake(string? to) => null;

            public FiredFaults? DecideControl() => null;
        }
    }
}

internal static class CertificateKeys
{
    public static string GetECDsaPrivateKeyPem(this System.Security.Cryptography.X509Certificates.X509Certificate2 certificate)
    {
        using var key = System.Security.Cryptography.X509Certificates.ECDsaCertificateExtensions.GetECDsaPrivateKey(certificate)!;
        return key.ExportPkcs8PrivateKeyPem();
    }
}
