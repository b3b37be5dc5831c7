using AspireMesh.Protocol.Admin;
using AspireMesh.Protocol.Faults;
using AspireMesh.Protocol.Identity;
using AspireMesh.Proxy.Runtime;
using Fixture = AspireMesh.Proxy.Tests.Telemetry.TelemetryFixture;

namespace AspireMesh.Proxy.Tests.Telemetry;

public sealed class StatisticsTests
{
    [Fact]
    public void An_edge_is_reported_by_its_caller_with_failures_attempts_and_latency()
    {
        using var fixture = new Fixture();
        fixture.Events.Dialed(Fixture.Api, Fixture.Destination, SpiffeId.Parse("spiffe://test.mesh/ns/default/sa/api"));
        fixture.Events.RequestStarted(fixture.Outbound()).Ended(Fixture.End(headersMs: 4));
        fixture.Events.RequestStarted(fixture.Outbound()).Ended(Fixture.End(503, attempts: 3, headersMs: 8));
        fixture.Events.RequestStarted(fixture.Inbound()).Ended(Fixture.End(500));
        var edge = Assert.Single(fixture.Events.Statistics.Take()!.Edges);
        Assert.Equal(("api", "http", 2L, 1L, 4L), (edge.To, edge.Endpoint, edge.Requests, edge.Failures, edge.Attempts));
        Assert.True(edge.Mtls);
        Assert.InRange(LatencyBuckets.Percentile(edge.Latency.AsSpan(), 50)!.Value, 4, 4.8);
    }

    [Fact]
    public void Nothing_is_reported_twice_without_a_change_unless_the_control_plane_was_away()
    {
        using var fixture = new Fixture();
        Assert.NotNull(fixture.Events.Statistics.Take());
        Assert.Null(fixture.Events.Statistics.Take());
        fixture.Events.Statistics.Forget();
        Assert.NotNull(fixture.Events.Statistics.Take());
    }

    [Fact]
    public void Plaintext_callers_are_counted_by_address_and_refusals_by_rule()
    {
        using var fixture = new Fixture();
        fixture.Events.PlaintextTaken("10.0.0.7:41234", "http");
        fixture.Events.PlaintextTaken("10.0.0.7:41235", "http");
        fixture.Events.Refused(new Refusal(MeshSide.Inbound, RefusalReason.Denied, "http", "spiffe://test.mesh/ns/default/sa/x", "no-deletes"));
        fixture.Events.FaultFired(new FaultRule { Id = "f1", Fault = new Fault { Kind = FaultKinds.Abort } }, new Proxy.Faults.FaultEdge("web", "api", "http"));
        var report = fixture.Events.Statistics.Take()!;
        Assert.Equal(2, Assert.Single(report.PlaintextCallers, c => c.Key == "10.0.0.7").Value);
        Assert.Equal(1, report.Denied["no-deletes"]);
        Assert.Equal(1, report.FaultFires["f1"]);
    }

    [Fact]
    public void An_opaque_connection_counts_as_a_request_of_its_edge()
    {
        using var fixture = new Fixture();
        var connection = new ConnectionStart(MeshSide.Outbound, "db", "tcp", fixture.Time.GetTimestamp());
        fixture.Events.ConnectionStarted(connection);
        fixture.Events.ConnectionEnded(connection, new ConnectionEnd(10, 20, "reset by the app"));
        var edge = Assert.Single(fixture.Events.Statistics.Take()!.Edges);
        Assert.Equal(("db", 1L, 1L), (edge.To, edge.Requests, edge.Failures));
    }

    [Fact]
    public void A_scan_cannot_fill_the_memory_with_callers()
    {
        using var fixture = new Fixture();
        for (var i = 0; i < 5000; i++) fixture.Events.PlaintextTaken($"10.0.{i / 250}.{i % 250}:1", "http");
        var callers = fixture.Events.Statistics.Take()!.PlaintextCallers;
        Assert.InRange(callers.Count, 1, 1001);
        Assert.Equal(5000, callers.Values.Sum());
    }

    [Fact]
    public void A_tap_shows_a_request_once_from_its_callers_side()
    {
        using var fixture = new Fixture();
        fixture.Taps.Change(new TapFilter { To = "api" });
        fixture.Events.RequestStarted(fixture.Outbound()).Ended(Fixture.End());
        fixture.Events.RequestStarted(fixture.Inbound()).Ended(Fixture.End());
        Assert.True(fixture.Taps.Events.TryRead(out var shown));
        Assert.Equal(("web", "api", "GET", "/items", 200, "items"), (shown.From, shown.To, shown.Method, shown.Path, shown.Status, shown.Route));
        Assert.False(fixture.Taps.Events.TryRead(out _));
    }
}
