using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Runtime;
using AspireMesh.Proxy.Telemetry;

namespace AspireMesh.Proxy.Tests.Telemetry;

public sealed class OtlpExportTests
{
    [Fact]
    public async Task Sidecars_in_one_process_export_under_their_own_names_with_the_receivers_key()
    {
        await using var receiver = await OtlpReceiver.StartAsync();
        var web = Telemetry("web", receiver);
        var api = Telemetry("api", receiver);
        Serve(web, "only-web");
        Serve(api, "only-api");
        foreach (var path in new[] { "/v1/traces", "/v1/logs", "/v1/metrics" })
        {
            await Control.ClientFixture.UntilAsync(() => receiver.Received.Any(r => r.Path == path && r.Text.Contains("only-web")) && receiver.Received.Any(r => r.Path == path && r.Text.Contains("only-api")));
        }
        await web.Events.DisposeAsync();
        await api.Events.DisposeAsync();

        Assert.All(receiver.Received, r => Assert.Equal("secret", r.Key));
        foreach (var path in new[] { "/v1/traces", "/v1/metrics", "/v1/logs" })
        {
            var sent = receiver.Received.Where(r => r.Path == path).ToList();
            Assert.All(sent, r => Assert.True(r.Text.Contains("web-sidecar") ^ r.Text.Contains("api-sidecar"), $"{path} is one sidecar's"));
            Assert.All(sent.Where(r => r.Text.Contains("web-sidecar")), r => Assert.DoesNotContain("only-api", r.Text));
            Assert.Contains(sent, r => r.Text.Contains("web-sidecar") && r.Text.Contains("only-web"));
            Assert.Contains(sent, r => r.Text.Contains("api-sidecar") && r.Text.Contains("only-api"));
        }
        Assert.Contains(receiver.Received, r => r.Path == "/v1/metrics" && r.Text.Contains("http.client.request.duration"));
    }

    [Fact]
    public async Task A_receiver_that_is_away_holds_nothing_up()
    {
        var telemetry = new SidecarTelemetry(Bootstrap("web"), new MeshSidecarOptions { OtlpEndpoint = "http://127.0.0.1:1", OtlpProtocol = "http/protobuf" }, new IdentityGauges());
        Serve(telemetry, "items");
        Assert.Contains("http_client_request_duration_seconds_count", telemetry.Metrics.Collect());
        await telemetry.Events.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(60));
    }

    private static SidecarTelemetry Telemetry(string workload, OtlpReceiver receiver) => new(
        Bootstrap(workload),
        new MeshSidecarOptions { ServiceName = $"{workload}-sidecar", OtlpEndpoint = receiver.Address, OtlpHeaders = "x-otlp-api-key=secret", OtlpProtocol = "http/protobuf", OtlpInterval = TimeSpan.FromMilliseconds(200) },
        new IdentityGauges());

    private static void Serve(SidecarTelemetry telemetry, string route)
    {
        var request = telemetry.Events.RequestStarted(new RequestStart(MeshSide.Outbound, null, "target", "http", "GET", "/" + route, "HTTP/1.1", null, null, TimeProvider.System.GetTimestamp()));
        var attempt = request.AttemptStarted(TelemetryFixture.Api, TelemetryFixture.Destination, 1);
        attempt.Ended(new AttemptEnd(200, null, null));
        request.Ended(new RequestEnd(route, "api-1", 200, null, null, 1, TimeSpan.FromMilliseconds(1), null));
    }

    private static SidecarBootstrap Bootstrap(string workload) => new()
    {
        Workload = workload,
        Instance = workload + "-1",
        TrustDomain = "test.mesh",
        ControlPlane = "https://127.0.0.1:1",
        TrustBundle = [],
        Admin = "127.0.0.1:0",
    };
}
