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

    private async Task<string> GatewayAsync(string name) => (await mesh.Admin.GetConfigAsync("caller", mesh.Limit)).Gateways.Single(g => g.Name == name).Listen.Replace("127.0.0.1", "localhost", StringComparison.Ordinal);
}
