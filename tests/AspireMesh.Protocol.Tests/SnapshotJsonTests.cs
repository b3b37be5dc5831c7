using System.Text.Json;
using AspireMesh.Protocol.Snapshot;

namespace AspireMesh.Protocol.Tests;

public class SnapshotJsonTests
{
    [Fact]
    public void A_snapshot_survives_its_encoding()
    {
        var snapshot = new MeshSnapshot
        {
            Version = 3,
            Workload = "web",
            Instance = "web",
            Identity = "spiffe://t/ns/default/sa/web",
            Inbound = new InboundSnapshot { Listen = "127.0.0.1:1", Endpoints = [new InboundEndpoint { Name = "http", App = "127.0.0.1:2" }] },
            Outbound = [new OutboundListener { Name = "api.http", Listen = "127.0.0.1:3", Destination = "api", Endpoint = "http", Routes = [new RouteSnapshot { Name = "default", Clusters = [new("api.http", 1)] }] }],
        };
        var json = JsonSerializer.SerializeToUtf8Bytes(snapshot, MeshJson.Default.MeshSnapshot);
        var back = JsonSerializer.Deserialize(json, MeshJson.Default.MeshSnapshot)!;
        Assert.Equal(json, JsonSerializer.SerializeToUtf8Bytes(back, MeshJson.Default.MeshSnapshot));
        Assert.Equal(TimeSpan.FromSeconds(15), back.Outbound[0].Routes[0].Timeouts.Request);
    }

    [Fact]
    public void Unknown_fields_are_ignored_and_missing_required_ones_are_refused()
    {
        var back = JsonSerializer.Deserialize(
            """{"version":1,"workload":"w","instance":"w","identity":"i","inbound":{"listen":"127.0.0.1:1"},"later":5}""",
            MeshJson.Default.MeshSnapshot)!;
        Assert.Equal("w", back.Workload);
        var error = Assert.Throws<JsonException>(() => JsonSerializer.Deserialize("""{"version":1,"workload":"w"}""", MeshJson.Default.MeshSnapshot));
        Assert.Contains("identity", error.Message);
    }
}
