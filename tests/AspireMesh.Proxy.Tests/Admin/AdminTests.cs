using System.Net;
using System.Text.Json;
using AspireMesh.Protocol;
using AspireMesh.Protocol.Control;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Tests.Control;
using AspireMesh.TestKit;

namespace AspireMesh.Proxy.Tests.Admin;

/// <summary>A whole sidecar against a fake control plane, seen through its admin listener.</summary>
public sealed class AdminTests
{
    [Fact]
    public async Task A_ready_sidecar_says_so_and_shows_its_snapshot_without_secrets()
    {
        await using var fixture = await StartAsync();
        fixture.Plane.Send(fixture.Snapshot() with { Gateways = [new GatewayListener { Name = "g", Listen = $"127.0.0.1:{FreePort.Next()}", CertificatePem = fixture.GatewayPem() }] });
        await fixture.Sidecar.Ready;
        using var http = new HttpClient { BaseAddress = new Uri($"http://{fixture.Sidecar.AdminAddress}") };
        Assert.Equal("ok\n", await http.GetStringAsync("/healthz"));
        Assert.StartsWith("ready\n", await http.GetStringAsync("/readyz"));
        var config = await http.GetStringAsync("/config");
        Assert.DoesNotContain("PRIVATE KEY", config);
        Assert.Equal(1, JsonSerializer.Deserialize(config, MeshJson.Default.MeshSnapshot)!.Version);
        var metrics = await http.GetStringAsync("/metrics");
        Assert.Contains("aspiremesh_snapshot_version 1\n", metrics);
        Assert.Contains("aspiremesh_control_connected 1\n", metrics);
        Assert.Contains("aspiremesh_svid_expiry_seconds ", metrics);
    }

    [Fact]
    public async Task Before_the_first_snapshot_it_is_alive_but_not_ready()
    {
        await using var fixture = await StartAsync();
        await ClientFixture.UntilAsync(() => fixture.Sidecar.AdminAddress is not null);
        using var http = new HttpClient { BaseAddress = new Uri($"http://{fixture.Sidecar.AdminAddress}") };
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/healthz")).StatusCode);
        var ready = await http.GetAsync("/readyz");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
        Assert.Contains("no snapshot yet", await ready.Content.ReadAsStringAsync());
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await http.GetAsync("/config")).StatusCode);
    }

    [Fact]
    public async Task A_lost_control_plane_is_said_but_is_no_reason_not_to_be_ready()
    {
        await using var fixture = await StartAsync();
        fixture.Plane.Send(fixture.Snapshot());
        await fixture.Sidecar.Ready;
        await fixture.Plane.StopAsync();
        using var http = new HttpClient { BaseAddress = new Uri($"http://{fixture.Sidecar.AdminAddress}") };
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (true)
        {
            var text = await http.GetStringAsync("/readyz", patience.Token);
            Assert.StartsWith("ready\n", text);
            if (text.Contains("lost the control plane")) break;
        }
        Assert.Contains("aspiremesh_control_connected 0\n", await http.GetStringAsync("/metrics"));
    }

    [Fact]
    public async Task A_bad_first_snapshot_ends_the_start_and_the_control_plane_learns_why()
    {
        await using var fixture = await StartAsync();
        fixture.Plane.Send(fixture.Snapshot() with { Requires = ["a-feature-of-tomorrow"] });
        var refused = await Assert.ThrowsAsync<MeshValidationException>(() => fixture.Sidecar.Ready);
        Assert.Contains("a-feature-of-tomorrow", Assert.Single(refused.Problems).Message);
        var nack = await fixture.Plane.NextAsync(SidecarMessage.KindOneofCase.Nack);
        Assert.Contains("a-feature-of-tomorrow", Assert.Single(nack.Nack.Errors));
    }

    [Theory]
    [InlineData("GET", "/nothing", null, HttpStatusCode.NotFound)]
    [InlineData("POST", "/config", null, HttpStatusCode.MethodNotAllowed)]
    [InlineData("GET", "/config", "evil.example", HttpStatusCode.Forbidden)]
    public async Task What_is_not_offered_is_refused(string method, string path, string? host, HttpStatusCode expected)
    {
        await using var fixture = await StartAsync();
        fixture.Plane.Send(fixture.Snapshot());
        await fixture.Sidecar.Ready;
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(new HttpMethod(method), $"http://{fixture.Sidecar.AdminAddress}{path}");
        request.Headers.Host = host;
        Assert.Equal(expected, (await http.SendAsync(request)).StatusCode);
    }

    private static Task<WholeSidecar> StartAsync() => WholeSidecar.StartAsync();
}
