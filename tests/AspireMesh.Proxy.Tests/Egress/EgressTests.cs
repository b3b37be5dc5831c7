using System.Diagnostics;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using AspireMesh.Protocol.Model;
using AspireMesh.Proxy.Egress;
using AspireMesh.Proxy.Runtime;
using AspireMesh.Proxy.Tests.Pairs;
using AspireMesh.Proxy.Tests.Pipeline;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Tests.Egress;

/// <summary>The forward proxy as apps meet it: .NET's HttpClient, curl, and raw bytes.</summary>
public class EgressTests
{
    private static CancellationToken Patience => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_declared_https_service_is_reached_in_the_apps_own_tls()
    {
        await using var egress = await EgressFixture.StartAsync();
        using var client = egress.Client();
        Assert.Equal("partner https partner.test/pay", await client.GetStringAsync("https://partner.test/pay", Patience));
        client.Dispose();
        var (start, end) = await RecordedEvents.EventuallyAsync(() => egress.Pair.Pair.CallerEvents.Connections.Select(c => ((ConnectionStart Start, ConnectionEnd End)?)c).FirstOrDefault());
        Assert.Equal((MeshSide.Egress, "partner", "https"), (start.Side, start.Workload, start.Endpoint));
        Assert.True(end.BytesSent > 0 && end.BytesReceived > 0);
    }

    [Fact]
    public async Task A_declared_http_service_is_reached_with_the_policies_of_its_edge()
    {
        var failed = false;
        await using var egress = await EgressFixture.StartAsync(plain: c =>
        {
            c.Response.StatusCode = failed ? 200 : 503;
            failed = true;
            return c.Response.WriteAsync($"plain {c.Request.Host}{c.Request.Path}{c.Request.QueryString}");
        });
        using var client = egress.Client();
        // The host is the service's own with the port of the test's stand-in.
        Assert.Equal($"plain plain.test:{egress.Plain.Address.Split(':')[1]}/a?b=c", await client.GetStringAsync("http://plain.test/a?b=c", Patience));
        Assert.Equal(["GET /a?b=c", "GET /a?b=c"], egress.Plain.Requests);
        Assert.Equal(2, (await LoggedAsync(egress)).Attempts);
    }

    [Fact]
    public async Task Http_inside_a_connect_to_a_declared_http_service_meets_them_too()
    {
        await using var egress = await EgressFixture.StartAsync();
        using var tunnel = await ConnectAsync(egress, "plain.test:80");
        await tunnel.GetStream().WriteAsync("GET /x HTTP/1.1\r\nHost: plain.test\r\nConnection: close\r\n\r\n"u8.ToArray(), Patience);
        Assert.Contains("plain plain.test", await new StreamReader(tunnel.GetStream()).ReadToEndAsync(Patience));
        Assert.Equal("default", (await LoggedAsync(egress)).Route);
    }

    [Theory]
    [InlineData("http://undeclared.test/")]
    [InlineData("http://partner.test/")]
    [InlineData("http://plain.test:8080/")]
    [InlineData("http://169.254.169.254/latest/meta-data/")]
    public async Task Http_to_anything_else_is_403_with_the_line_to_type(string url)
    {
        await using var egress = await EgressFixture.StartAsync();
        using var client = egress.Client();
        using var answer = await client.GetAsync(url, Patience);
        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        var error = Assert.Single(answer.Headers.GetValues("x-mesh-error"));
        Assert.StartsWith("UE; 'web' calls ", error);
        Assert.Contains("AddExternalService", error);
        Assert.EndsWith("[MESH0210]", error);
        var logged = await LoggedAsync(egress);
        Assert.Equal((403, "UE", "egress"), (logged.Status, logged.Flags, logged.Route));
        var refusal = Assert.Single(egress.Pair.Pair.CallerEvents.Refusals);
        Assert.Equal((MeshSide.Egress, RefusalReason.Egress, EgressGate.UndeclaredRule), (refusal.Side, refusal.Reason, refusal.Rule));
    }

    [Fact]
    public async Task Https_to_anything_else_is_403_before_a_byte_of_it()
    {
        await using var egress = await EgressFixture.StartAsync();
        using var client = egress.Client();
        var failure = await Assert.ThrowsAsync<HttpRequestException>(() => client.GetStringAsync("https://undeclared.test/", Patience));
        Assert.Contains("403", failure.Message);
        var logged = await LoggedAsync(egress);
        Assert.Equal((403, "UE"), (logged.Status, logged.Flags));
        Assert.Equal(EgressGate.UndeclaredRule, Assert.Single(egress.Pair.Pair.CallerEvents.Refusals).Rule);
    }

    [Theory]
    [InlineData("other.test")]
    [InlineData(null)]
    public async Task A_name_inside_that_is_not_the_one_asked_for_is_cut_before_it_leaves(string? inside)
    {
        await using var egress = await EgressFixture.StartAsync();
        using var tunnel = await ConnectAsync(egress, "partner.test:443");
        await using var tls = new SslStream(tunnel.GetStream());
        var options = egress.Trusting();
        options.TargetHost = inside ?? "";
        await Assert.ThrowsAnyAsync<Exception>(() => tls.AuthenticateAsClientAsync(options, Patience));
        var refusal = await egress.Pair.Pair.CallerEvents.RefusalAsync(RefusalReason.Egress);
        Assert.Equal(EgressGate.ServerNameRule, refusal.Rule);
        Assert.Contains(inside ?? "names nobody", refusal.Detail);
        var (_, end) = await RecordedEvents.EventuallyAsync(() => egress.Pair.Pair.CallerEvents.Connections.Select(c => ((ConnectionStart Start, ConnectionEnd End)?)c).FirstOrDefault());
        Assert.Equal(0, end.BytesSent);
    }

    [Fact]
    public async Task What_is_no_tls_inside_a_connect_to_an_https_service_is_cut()
    {
        await using var egress = await EgressFixture.StartAsync();
        using var tunnel = await ConnectAsync(egress, "partner.test:443");
        await tunnel.GetStream().WriteAsync("GET / HTTP/1.1\r\nHost: partner.test\r\n\r\n"u8.ToArray(), Patience);
        await Assert.ThrowsAnyAsync<IOException>(async () => await tunnel.GetStream().ReadExactlyAsync(new byte[1], Patience));
        Assert.Equal(EgressGate.ServerNameRule, (await egress.Pair.Pair.CallerEvents.RefusalAsync(RefusalReason.Egress)).Rule);
    }

    [Fact]
    public async Task A_declared_service_that_nobody_answers_for_is_503_with_the_reason()
    {
        await using var egress = await EgressFixture.StartAsync();
        var now = egress.Pair.Pair.CallerSnapshot;
        await egress.Pair.Pair.ApplyCallerAsync(now with { Clusters = [.. now.Clusters.Select(c => c.Name == "partner.https[opaque]" ? c with { Destinations = [c.Destinations[0] with { Address = "127.0.0.1:1" }] } : c)] });
        Assert.StartsWith("HTTP/1.1 503", await AnswerAsync(egress, "CONNECT partner.test:443 HTTP/1.1\r\nHost: partner.test:443\r\n\r\n"));
    }

    [Theory]
    [InlineData("CONNECT partner.test HTTP/1.1\r\n\r\n", "HTTP/1.1 400")]
    [InlineData("CONNECT partner.test:443 HTTP/1.1\r\nContent-Length: 2\r\n\r\nab", "HTTP/1.1 400")]
    [InlineData("GET /origin-form HTTP/1.1\r\nHost: partner.test\r\n\r\n", "HTTP/1.1 400")]
    [InlineData("GET https://partner.test/ HTTP/1.1\r\nHost: partner.test\r\n\r\n", "HTTP/1.1 400")]
    [InlineData("GET http://plain.test/ HTTP/1.1\r\nHost: other.test\r\n\r\n", "HTTP/1.1 400")]
    [InlineData("connect partner.test:443 HTTP/1.1\r\n\r\n", "HTTP/1.1 405")]
    public async Task What_is_no_request_to_a_proxy_is_refused(string bytes, string status)
    {
        await using var egress = await EgressFixture.StartAsync();
        Assert.StartsWith(status, await AnswerAsync(egress, bytes));
        Assert.Empty(egress.Plain.Requests);
    }

    [Fact]
    public async Task A_head_without_end_is_refused_at_its_size()
    {
        await using var egress = await EgressFixture.StartAsync();
        Assert.StartsWith("HTTP/1.1 431", await AnswerAsync(egress, $"CONNECT partner.test:443 HTTP/1.1\r\nX: {new string('a', ConnectHead.MaxBytes)}"));
    }

    [Theory]
    [InlineData("localhost")]
    [InlineData("127.0.0.1")]
    [InlineData("[::1]")]
    [InlineData("[::ffff:127.0.0.1]")]
    [InlineData("0.0.0.0")]
    public async Task Even_an_audit_lets_nobody_reach_this_machine_through_the_sidecar(string host)
    {
        await using var egress = await EgressFixture.StartAsync(EgressMode.Audit);
        var port = egress.Plain.Address.Split(':')[1];
        Assert.StartsWith("HTTP/1.1 403", await AnswerAsync(egress, $"CONNECT {host}:{port} HTTP/1.1\r\n\r\n"));
        Assert.StartsWith("HTTP/1.1 403", await AnswerAsync(egress, $"GET http://{host}:{port}/ HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n"));
        Assert.All(egress.Pair.Pair.CallerEvents.Refusals, r => Assert.Equal(EgressGate.AddressRule, r.Rule));
        Assert.Empty(egress.Plain.Requests);
    }

    [Fact]
    public async Task An_audit_lets_through_what_it_would_have_refused_and_counts_it()
    {
        // An address of this machine that is not its loopback stands for the world outside.
        var own = Dns.GetHostAddresses(Dns.GetHostName(), AddressFamily.InterNetwork).FirstOrDefault(a => ForbiddenAddresses.Find(a) is null);
        Assert.SkipWhen(own is null, "this machine has no address but its loopback");
        using var listener = new TcpListener(own!, 0);
        listener.Start();
        var serving = ServeAsync(listener);
        var to = listener.LocalEndpoint.ToString()!;
        await using var egress = await EgressFixture.StartAsync(EgressMode.Audit);
        using var client = egress.Client();
        Assert.Equal("seen", await client.GetStringAsync($"http://{to}/a", Patience));
        var logged = await LoggedAsync(egress);
        Assert.Equal((200, "UE"), (logged.Status, logged.Flags));
        using var tunnel = await ConnectAsync(egress, to);
        await tunnel.GetStream().WriteAsync("GET /b HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray(), Patience);
        Assert.EndsWith("seen", await new StreamReader(tunnel.GetStream()).ReadToEndAsync(Patience));
        await serving;
        Assert.Equal([EgressGate.UndeclaredRule, EgressGate.UndeclaredRule], egress.Pair.Pair.CallerEvents.Audits.Select(a => a.Rule));
        Assert.Empty(egress.Pair.Pair.CallerEvents.Refusals);
    }

    [Fact]
    public async Task A_change_of_mode_on_a_running_sidecar_is_in_force_at_once()
    {
        await using var egress = await EgressFixture.StartAsync();
        using var client = egress.Client();
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("http://plain.test/", Patience)).StatusCode);
        var now = egress.Pair.Pair.CallerSnapshot;
        await egress.Pair.Pair.ApplyCallerAsync(now with { Egress = now.Egress! with { Destinations = [] } });
        Assert.Equal(HttpStatusCode.Forbidden, (await client.GetAsync("http://plain.test/", Patience)).StatusCode);
        await egress.Pair.Pair.ApplyCallerAsync(now with { Egress = null });
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => egress.Client().GetAsync("http://plain.test/", Patience));
    }

    [Theory]
    [InlineData("https://partner.test/pay", 0, "partner https partner.test/pay")]
    [InlineData("http://plain.test/a", 0, "plain plain.test")]
    [InlineData("https://undeclared.test/", 56, "")]
    [InlineData("http://undeclared.test/", 0, "MESH0210")]
    public async Task Curl_takes_the_proxy_from_its_variables(string url, int exit, string printed)
    {
        Assert.SkipUnless(File.Exists("/usr/bin/curl"), "curl is not installed: apt-get install curl");
        await using var egress = await EgressFixture.StartAsync();
        var roots = Path.GetTempFileName();
        await File.WriteAllTextAsync(roots, egress.Authority.RootPem, Patience);
        var start = new ProcessStartInfo("/usr/bin/curl", ["--silent", "--cacert", roots, url]) { RedirectStandardOutput = true };
        foreach (var name in start.Environment.Keys.Where(k => k.Contains("proxy", StringComparison.OrdinalIgnoreCase)).ToArray()) start.Environment.Remove(name);
        foreach (var name in new[] { "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy" }) start.Environment[name] = $"http://127.0.0.1:{egress.Port}";
        using var curl = Process.Start(start)!;
        var output = await curl.StandardOutput.ReadToEndAsync(Patience);
        await curl.WaitForExitAsync(Patience);
        File.Delete(roots);
        Assert.Equal(exit, curl.ExitCode);
        Assert.Contains(printed, output);
    }

    /// <summary>What the access log has of the first request; it is written after the answer.</summary>
    private static Task<RequestEnd> LoggedAsync(EgressFixture egress) => RecordedEvents.EventuallyAsync(() => egress.Pair.Pair.CallerEvents.Requests.Select(r => (RequestEnd?)r).FirstOrDefault());

    private static async Task ServeAsync(TcpListener listener)
    {
        for (var i = 0; i < 2; i++)
        {
            using var client = await listener.AcceptTcpClientAsync(Patience);
            await client.GetStream().ReadAtLeastAsync(new byte[1000], 20, cancellationToken: Patience);
            await client.GetStream().WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nseen"u8.ToArray(), Patience);
        }
    }

    private static async Task<TcpClient> ConnectAsync(EgressFixture egress, string target)
    {
        var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, egress.Port, Patience);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n"), Patience);
        var answer = new byte["HTTP/1.1 200 Connection established\r\n\r\n".Length];
        await client.GetStream().ReadExactlyAsync(answer, Patience);
        Assert.StartsWith("HTTP/1.1 200", Encoding.ASCII.GetString(answer));
        return client;
    }

    private static async Task<string> AnswerAsync(EgressFixture egress, string bytes)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, egress.Port, Patience);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(bytes), Patience);
        var answer = new byte[12];
        await client.GetStream().ReadExactlyAsync(answer, Patience);
        return Encoding.ASCII.GetString(answer);
    }
}
