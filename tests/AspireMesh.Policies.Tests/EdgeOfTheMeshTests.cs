using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace AspireMesh.Policies.Tests;

/// <summary>The ways in and out.</summary>
public sealed class EdgeOfTheMeshTests(PoliciesMesh mesh)
{
    [Fact]
    public async Task The_gateway_routes_by_host_and_path_and_limits_the_rate()
    {
        var door = await GatewayAsync("door");
        Assert.StartsWith("caller ", (await mesh.SendToAsync($"http://{door}/who/")).Body);
        Assert.StartsWith("api ", (await mesh.SendToAsync($"http://{door}/who/api")).Body);
        Assert.StartsWith("guarded ", (await mesh.SendToAsync($"http://{door}/who/", "GET", ("Host", "guarded.test"))).Body);
        Assert.Equal(200, (await mesh.SendToAsync($"http://{door}/who/limited")).Status);
        var second = await mesh.SendToAsync($"http://{door}/who/limited");
        Assert.Equal((429, "RL"), (second.Status, second.Flag));
    }

    [Fact]
    public async Task The_gateway_takes_tls_and_asks_for_a_token()
    {
        var vault = await GatewayAsync("vault");
        X509Certificate2? shown = null;
        using var client = new HttpClient(new SocketsHttpHandler
        {
            SslOptions = { RemoteCertificateValidationCallback = (_, certificate, _, _) => { shown = new X509Certificate2((X509Certificate2)certificate!); return true; } },
        });
        using var without = await client.GetAsync($"https://{vault}/who/", mesh.Limit);
        Assert.Equal(401, (int)without.StatusCode);
        Assert.True(shown!.MatchesHostname("localhost"));
        using var request = new HttpRequestMessage(HttpMethod.Get, $"https://{vault}/who/");
        request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + mesh.Token("anyone"));
        using var with = await client.SendAsync(request, mesh.Limit);
        Assert.StartsWith("caller ", await with.Content.ReadAsStringAsync(mesh.Limit));
    }

    [Fact]
    public async Task An_external_service_given_as_a_parameter_is_reached_through_the_sidecar_which_speaks_tls_to_it()
    {
        using var caller = Aspire.Hosting.Testing.DistributedApplicationHostingTestingExtensions.CreateHttpClient(mesh.App, "caller", "http");
        var given = await caller.GetStringAsync("/env/services__partner__https__0", mesh.Limit);
        Assert.StartsWith("http://127.0.0.1:", given);
        Assert.Equal($"https localhost:{mesh.Partner.Port}/pay ", (await mesh.SendToAsync(given + "pay")).Body.Replace("x-mesh-hops", "", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("edge", "api.test", "api in its own TLS")]
    [InlineData("edge", "new.canary.test", "canary in its own TLS")]
    [InlineData("edge", "other.test", null)]
    [InlineData("gateway", "api.test", "api in its own TLS")]
    [InlineData("gateway", "new.canary.test", null)]
    public async Task Tls_is_led_by_its_server_name_and_ended_by_the_app(string way, string name, string? expected)
    {
        var to = way == "gateway" ? (await GatewayAsync("passage")).Split(':')[1] : new Uri(await mesh.UrlAsync("api", "tls")).Port.ToString(CultureInfo.InvariantCulture);
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, int.Parse(to, CultureInfo.InvariantCulture), mesh.Limit);
        await using var tls = new SslStream(client.GetStream());
        var handshake = tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = name, RemoteCertificateValidationCallback = (_, _, _, _) => true }, mesh.Limit);
        if (expected is null)
        {
            await Assert.ThrowsAnyAsync<AuthenticationException>(() => handshake);
            return;
        }
        await handshake;
        await tls.WriteAsync(new byte[1], mesh.Limit);
        Assert.Equal(expected, await new StreamReader(tls).ReadToEndAsync(mesh.Limit));
    }

    [Fact]
    public async Task An_app_is_told_of_the_forward_proxy_and_what_is_not_declared_is_refused_there()
    {
        using var caller = Client("caller");
        var proxy = (await mesh.Admin.GetConfigAsync("caller", mesh.Limit)).Egress!.Listen;
        foreach (var variable in new[] { "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy" }) Assert.Equal($"http://{proxy}", await caller.GetStringAsync($"/env/{variable}", mesh.Limit));
        Assert.Contains("127.0.0.1", await caller.GetStringAsync("/env/NO_PROXY", mesh.Limit));
        // The app's own HttpClient, which knows nothing but the variables.
        var refused = await caller.GetStringAsync("/call/OUTSIDE/page", mesh.Limit);
        Assert.StartsWith("403 'caller' calls undeclared.test:80", refused);
        Assert.Contains("MESH0210", refused);
        // And the mesh's own listeners are not asked for by way of it.
        Assert.StartsWith("200 api ", await caller.GetStringAsync("/call/services__api__default__0/who/", mesh.Limit));
    }

    [Fact]
    public async Task A_declared_service_is_reached_through_the_forward_proxy_in_the_callers_own_tls()
    {
        var proxy = (await mesh.Admin.GetConfigAsync("caller", mesh.Limit)).Egress!.Listen;
        using var client = new HttpClient(new SocketsHttpHandler { Proxy = new WebProxy($"http://{proxy}") { BypassProxyOnLocal = false }, SslOptions = { RemoteCertificateValidationCallback = (_, _, _, _) => true } });
        Assert.StartsWith($"https localhost:{mesh.Partner.Port}/pay", await client.GetStringAsync($"https://localhost:{mesh.Partner.Port}/pay", mesh.Limit));
        var failure = await Assert.ThrowsAsync<HttpRequestException>(() => client.GetStringAsync("https://undeclared.test/", mesh.Limit));
        Assert.Contains("403", failure.Message);
    }

    [Fact]
    public async Task A_proxy_that_somebody_set_is_left_alone()
    {
        using var guarded = Client("guarded");
        Assert.Equal("http://proxy.test:3128", await guarded.GetStringAsync("/env/HTTP_PROXY", mesh.Limit));
        Assert.Equal("", await guarded.GetStringAsync("/env/https_proxy", mesh.Limit));
    }

    private HttpClient Client(string resource) => Aspire.Hosting.Testing.DistributedApplicationHostingTestingExtensions.CreateHttpClient(mesh.App, resource, "http");

    private async Task<string> GatewayAsync(string name) => (await mesh.Admin.GetConfigAsync("caller", mesh.Limit)).Gateways.Single(g => g.Name == name).Listen.Replace("127.0.0.1", "localhost", StringComparison.Ordinal);
}
