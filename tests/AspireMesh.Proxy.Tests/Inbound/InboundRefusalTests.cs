using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;
using AspireMesh.Proxy.Runtime;
using AspireMesh.Proxy.Tests.Pairs;
using AspireMesh.Proxy.Tests.Tls;
using AspireMesh.TestKit;

namespace AspireMesh.Proxy.Tests.Inbound;

/// <summary>Over real sockets: whoever is not let in gets no byte to the app, and the sidecar says why.</summary>
public class InboundRefusalTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Plaintext_gets_nothing_in_strict_mode()
    {
        await using var app = Greeter();
        await using var pair = await PairAsync(app);
        using var client = new TcpClient();
        await client.ConnectAsync(pair.Inbound);
        await client.GetStream().WriteAsync("GET / HTTP/1.1\r\nHost: api\r\n\r\n"u8.ToArray());
        Assert.Equal(0, await ReadSomeAsync(client.GetStream()));
        await pair.CalleeEvents.RefusalAsync(RefusalReason.Plaintext);
        Assert.Equal(0, app.Connections);
    }

    [Fact]
    public async Task Plaintext_is_taken_and_counted_in_permissive_mode()
    {
        await using var app = Greeter();
        await using var pair = await PairAsync(app);
        await pair.ApplyCalleeAsync(pair.CalleeSnapshot with { Mtls = MtlsMode.Permissive });
        using var client = new TcpClient();
        await client.ConnectAsync(pair.Inbound);
        await client.GetStream().WriteAsync("hi"u8.ToArray());
        Assert.Equal(5, await ReadSomeAsync(client.GetStream()));
        Assert.Equal(1, pair.CalleeEvents.Plaintext);
    }

    [Fact]
    public async Task No_client_certificate_gets_nothing()
    {
        await using var app = Greeter();
        await using var pair = await PairAsync(app);
        Assert.Equal(0, await AskAsync(pair, null));
        await pair.CalleeEvents.RefusalAsync(RefusalReason.Handshake);
        Assert.Equal(0, app.Connections);
    }

    [Theory]
    [MemberData(nameof(BadCertificates.All), MemberType = typeof(BadCertificates))]
    public async Task A_bad_client_certificate_gets_nothing(string what, string rule)
    {
        await using var app = Greeter();
        await using var pair = await PairAsync(app);
        Assert.Equal(0, await AskAsync(pair, BadCertificates.Make(what, pair.Certificates)));
        Assert.Contains(rule, (await pair.CalleeEvents.RefusalAsync(RefusalReason.Handshake)).Detail);
        Assert.Equal(0, app.Connections);
    }

    [Fact]
    public async Task A_workload_without_a_reference_gets_nothing_and_the_refusal_names_it()
    {
        await using var app = Greeter();
        await using var pair = await PairAsync(app);
        Assert.Equal(0, await AskAsync(pair, pair.Certificates.Svid("stranger")));
        var refusal = await pair.CalleeEvents.RefusalAsync(RefusalReason.Denied);
        Assert.Equal((pair.Certificates.IdOf("stranger"), "tcp"), (refusal.Caller, refusal.Endpoint));
        Assert.Equal(0, app.Connections);
    }

    [Fact]
    public async Task A_standard_mtls_peer_with_a_reference_is_let_in_by_its_server_name()
    {
        await using var app = Greeter();
        await using var pair = await PairAsync(app);
        Assert.Equal(5, await AskAsync(pair, pair.Certificates.Svid("web")));
        Assert.Equal(0, await AskAsync(pair, pair.Certificates.Svid("web"), "nothing.api"));
        await pair.CalleeEvents.RefusalAsync(RefusalReason.UnknownEndpoint);
    }

    [Fact]
    public async Task Tls_below_1_3_is_refused()
    {
        await using var app = Greeter();
        await using var pair = await PairAsync(app);
        Assert.Equal(0, await AskAsync(pair, pair.Certificates.Svid("web"), protocols: SslProtocols.Tls12));
        Assert.Equal(0, app.Connections);
    }

    [Fact]
    public async Task Tls_1_2_is_taken_from_a_standard_peer_where_the_mesh_says_so_and_nothing_below_it()
    {
        await using var app = Greeter();
        await using var pair = await PairAsync(app);
        await pair.ApplyCalleeAsync(pair.CalleeSnapshot with { AllowTls12 = true });
        Assert.Equal(5, await AskAsync(pair, pair.Certificates.Svid("web"), protocols: SslProtocols.Tls12));
        Assert.Equal(5, await AskAsync(pair, pair.Certificates.Svid("web")));
#pragma warning disable SYSLIB0039 // what is too old is what is tried
        Assert.Equal(0, await AskAsync(pair, pair.Certificates.Svid("web"), protocols: SslProtocols.Tls11));
#pragma warning restore SYSLIB0039
        Assert.Equal(0, await AskAsync(pair, new TestKit.TestCertificates().Svid("web"), protocols: SslProtocols.Tls12));
    }

    [Fact]
    public async Task A_denied_caller_is_refused_and_one_that_is_only_audited_gets_in()
    {
        await using var app = Greeter();
        await using var pair = await PairAsync(app);
        var endpoint = pair.CalleeSnapshot.Inbound.Endpoints[0];
        var deny = endpoint with { Authorization = [.. endpoint.Authorization, new AuthorizationRule { Name = "no-web", Action = AuthorizationAction.Deny, Callers = [pair.Certificates.IdOf("web")] }] };
        await pair.ApplyCalleeAsync(pair.CalleeSnapshot with { Inbound = pair.CalleeSnapshot.Inbound with { Endpoints = [deny] } });
        Assert.Equal(0, await ThroughCallerAsync(pair));
        Assert.Equal("no-web", (await pair.CalleeEvents.RefusalAsync(RefusalReason.Denied)).Rule);
        await pair.CallerEvents.RefusalAsync(RefusalReason.Denied);
        await pair.ApplyCalleeAsync(pair.CalleeSnapshot with { Inbound = pair.CalleeSnapshot.Inbound with { Endpoints = [deny with { AuditOnly = true }] } });
        Assert.Equal(5, await ThroughCallerAsync(pair));
    }

    [Fact]
    public async Task The_caller_refuses_a_callee_that_is_someone_else()
    {
        await using var app = Greeter();
        await using var pair = await PairAsync(app);
        pair.CalleeSvids.Replace(pair.Certificates.Svid("impostor"));
        Assert.Equal(0, await ThroughCallerAsync(pair));
        Assert.Contains("impostor", (await pair.CallerEvents.RefusalAsync(RefusalReason.NoDestination)).Detail);
        Assert.Equal(0, app.Connections);
    }

    [Fact]
    public async Task A_silent_connection_does_not_hold_up_the_others()
    {
        await using var app = Greeter();
        await using var pair = await PairAsync(app);
        using var silent = new TcpClient();
        await silent.ConnectAsync(pair.Inbound);
        Assert.Equal(5, await ThroughCallerAsync(pair));
    }

    private static TcpApp Greeter() => TcpApp.Start(static async s =>
    {
        await s.WriteAsync("hello"u8.ToArray());
        await s.CopyToAsync(Stream.Null);
    });

    private static Task<SidecarPair> PairAsync(TcpApp app) => SidecarPair.StartAsync(new SidecarPairOptions { Protocol = AppProtocol.Tcp, App = app.Address });

    private static async Task<int> ThroughCallerAsync(SidecarPair pair)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(pair.Outbound);
        return await ReadSomeAsync(client.GetStream());
    }

    // In TLS 1.3 a client may believe itself connected before the server has looked at its certificate: what counts is what it can read.
    private static async Task<int> AskAsync(SidecarPair pair, X509Certificate2? certificate, string serverName = "tcp.api", SslProtocols protocols = SslProtocols.None)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(pair.Inbound);
        await using var tls = new SslStream(client.GetStream());
        try
        {
            await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = serverName,
                EnabledSslProtocols = protocols,
                ClientCertificateContext = certificate is null ? null : SslStreamCertificateContext.Create(certificate, null, offline: true),
                RemoteCertificateValidationCallback = static (_, _, _, _) => true,
            });
            await tls.WriteAsync("hi"u8.ToArray());
        }
        catch (Exception e) when (e is IOException or AuthenticationException)
        {
            return 0;
        }
        return await ReadSomeAsync(tls);
    }

    private static async Task<int> ReadSomeAsync(Stream stream)
    {
        try
        {
            return await stream.ReadAsync(new byte[100]).AsTask().WaitAsync(Patience);
        }
        catch (IOException)
        {
            return 0;
        }
    }
}
