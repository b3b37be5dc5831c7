using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using AspireMesh.Protocol;
using AspireMesh.Protocol.Admin;
using AspireMesh.Protocol.Control;
using AspireMesh.Proxy.Control;
using Google.Protobuf;
using Grpc.Core;
using Kind = AspireMesh.Protocol.Control.SidecarMessage.KindOneofCase;

namespace AspireMesh.Proxy.Tests.Control;

public sealed class WatchTests
{
    [Fact]
    public async Task A_good_snapshot_is_applied_and_acknowledged()
    {
        await using var fixture = await ClientFixture.StartAsync();
        await fixture.JoinAndRunAsync();
        fixture.Plane.Send(fixture.Snapshot(3));
        var ack = await fixture.Plane.NextAsync(Kind.Ack);
        Assert.Equal(3, ack.Ack.Version);
        Assert.Equal(3, Assert.Single(fixture.Sink.Applied).Version);
        Assert.Equal(ControlPhase.Connected, fixture.Client.State.Phase);
    }

    [Fact]
    public async Task A_refused_snapshot_is_answered_with_every_reason_and_the_next_one_is_taken()
    {
        await using var fixture = await ClientFixture.StartAsync();
        fixture.Sink.Answer = snapshot => snapshot.Version == 1 ? ["first reason", "second reason"] : [];
        await fixture.JoinAndRunAsync();
        fixture.Plane.Send(fixture.Snapshot(1));
        var nack = await fixture.Plane.NextAsync(Kind.Nack);
        Assert.Equal(1, nack.Nack.Version);
        Assert.Equal(["first reason", "second reason"], nack.Nack.Errors);
        fixture.Plane.Send(fixture.Snapshot(2));
        Assert.Equal(2, (await fixture.Plane.NextAsync(Kind.Ack)).Ack.Version);
    }

    [Fact]
    public async Task A_snapshot_that_throws_while_it_is_put_in_force_is_refused_and_the_next_one_is_taken()
    {
        await using var fixture = await ClientFixture.StartAsync();
        fixture.Sink.Answer = snapshot => snapshot.Version == 2 ? throw new FormatException("what nobody thought of") : [];
        await fixture.JoinAndRunAsync();
        fixture.Plane.Send(fixture.Snapshot(1));
        await fixture.Plane.NextAsync(Kind.Ack);
        fixture.Plane.Send(fixture.Snapshot(2));
        Assert.Contains("what nobody thought of", Assert.Single((await fixture.Plane.NextAsync(Kind.Nack)).Nack.Errors));
        fixture.Plane.Send(fixture.Snapshot(3));
        Assert.Equal(3, (await fixture.Plane.NextAsync(Kind.Ack)).Ack.Version);
    }

    [Theory]
    [InlineData("{", "cannot be read")]
    [InlineData("{}", "cannot be read")]
    [InlineData("null", "null")]
    public async Task What_is_no_snapshot_is_refused_and_the_stream_goes_on(string json, string reason)
    {
        await using var fixture = await ClientFixture.StartAsync();
        await fixture.JoinAndRunAsync();
        var bytes = Encoding.UTF8.GetBytes(json);
        fixture.Plane.Send(1, Convert.ToHexStringLower(SHA256.HashData(bytes)), bytes);
        Assert.Contains(reason, Assert.Single((await fixture.Plane.NextAsync(Kind.Nack)).Nack.Errors));
        fixture.Plane.Send(fixture.Snapshot(2));
        await fixture.Plane.NextAsync(Kind.Ack);
        Assert.Single(fixture.Sink.Applied);
    }

    [Fact]
    public async Task A_snapshot_that_was_changed_on_the_way_is_refused()
    {
        await using var fixture = await ClientFixture.StartAsync();
        await fixture.JoinAndRunAsync();
        var json = JsonSerializer.SerializeToUtf8Bytes(fixture.Snapshot(1), MeshJson.Default.MeshSnapshot);
        fixture.Plane.Send(1, new string('0', 64), json);
        Assert.Contains("SHA-256", Assert.Single((await fixture.Plane.NextAsync(Kind.Nack)).Nack.Errors));
        Assert.Empty(fixture.Sink.Applied);
    }

    [Fact]
    public async Task After_a_loss_it_comes_back_with_the_version_it_kept_and_does_not_apply_it_twice()
    {
        await using var fixture = await ClientFixture.StartAsync();
        await fixture.JoinAndRunAsync();
        fixture.Plane.Send(fixture.Snapshot(5));
        await fixture.Plane.NextAsync(Kind.Ack);
        await fixture.Plane.StopAsync();
        await ClientFixture.UntilAsync(() => fixture.Client.State.Phase == ControlPhase.Disconnected);
        Assert.Contains("runs on with snapshot 5", fixture.Client.State.Detail);
        Assert.NotNull(fixture.Client.Current);
        await fixture.Plane.StartAsync();
        var hello = await fixture.Plane.NextAsync(Kind.Hello);
        Assert.Equal(5, hello.Hello.SnapshotVersion);
        Assert.NotEmpty(hello.Hello.SnapshotHash);
        fixture.Plane.Send(fixture.Snapshot(5));
        await fixture.Plane.NextAsync(Kind.Ack);
        Assert.Single(fixture.Sink.Applied);
        Assert.Equal(ControlPhase.Connected, fixture.Client.State.Phase);
    }

    [Fact]
    public async Task A_report_is_sent_once_something_changed()
    {
        await using var fixture = await ClientFixture.StartAsync();
        await fixture.JoinAndRunAsync();
        await fixture.Plane.NextAsync(Kind.Report);
        fixture.Statistics.Edge("api", "http").AddRequest(failed: true, attempts: 2, TimeSpan.FromMilliseconds(3));
        fixture.Statistics.Touch();
        var sent = await fixture.Plane.NextAsync(Kind.Report);
        var report = JsonSerializer.Deserialize(sent.Report.Span, MeshJson.Default.SidecarReport)!;
        var edge = Assert.Single(report.Edges);
        Assert.Equal(("api", "http", 1L, 1L, 2L), (edge.To, edge.Endpoint, edge.Requests, edge.Failures, edge.Attempts));
    }

    [Fact]
    public async Task Requests_are_shown_only_while_a_tap_is_on_and_only_those_it_wants()
    {
        await using var fixture = await ClientFixture.StartAsync();
        await fixture.JoinAndRunAsync();
        Assert.False(fixture.Taps.IsOn);
        var filter = JsonSerializer.SerializeToUtf8Bytes(new TapFilter { MinStatus = 500 }, MeshJson.Default.TapFilter);
        fixture.Plane.Send(new ControlMessage { Tap = new TapChange { On = true, Filter = ByteString.CopyFrom(filter) } });
        await ClientFixture.UntilAsync(() => fixture.Taps.IsOn);
        fixture.Taps.Show(Shown(200));
        fixture.Taps.Show(Shown(503));
        var sent = await fixture.Plane.NextAsync(Kind.Tap);
        Assert.Equal(503, JsonSerializer.Deserialize(sent.Tap.Span, MeshJson.Default.TapEvent)!.Status);
        fixture.Plane.Send(new ControlMessage { Tap = new TapChange { On = false } });
        await ClientFixture.UntilAsync(() => !fixture.Taps.IsOn);
    }

    [Fact]
    public async Task A_control_plane_that_does_not_know_it_any_more_is_said_so()
    {
        await using var fixture = await ClientFixture.StartAsync();
        fixture.Plane.OnWatch = () => throw new RpcException(new Status(StatusCode.PermissionDenied, "no such sidecar"));
        await fixture.Client.JoinAsync(default);
        using var stop = new CancellationTokenSource();
        var running = fixture.Client.RunAsync(fixture.Sink, fixture.State, stop.Token);
        await ClientFixture.UntilAsync(() => fixture.Client.State.Phase == ControlPhase.Refused);
        Assert.Contains("no such sidecar", fixture.Client.State.Detail);
        await stop.CancelAsync();
        await running;
    }

    private static TapEvent Shown(int status) => new() { At = DateTimeOffset.UtcNow, From = "web", To = "api", Endpoint = "http", Status = status };
}
