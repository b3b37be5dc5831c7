using System.Collections.Immutable;
using AspireMesh.Protocol.Admin;
using AspireMesh.Protocol.Control;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;
using AspireMesh.TestKit;
using Google.Protobuf;
using Grpc.Core;

namespace AspireMesh.Host.Tests.Control;

public class WatchTests
{
    [Fact]
    public async Task The_first_snapshot_comes_with_the_hello_and_its_ack_shows_in_status()
    {
        await using var fixture = await ControlPlaneFixture.StartAsync();

        var web = await fixture.ConnectAsync("web");
        await fixture.UntilAsync(m => m.GetStatus().Workloads[0].Healthy);

        Assert.Equal("web", web.Last!.Instance);
        Assert.Equal("127.0.0.1:1010", Assert.Single(web.Last.Outbound).Listen);
        var row = fixture.Mesh.GetStatus().Workloads[0];
        Assert.Equal((1, "127.0.0.1:1000", true), (row.Snapshot, row.Inbound, row.SvidExpires is not null));
    }

    [Fact]
    public async Task A_change_reaches_only_the_sidecars_that_it_concerns()
    {
        await using var fixture = await ControlPlaneFixture.StartAsync();
        var web = await fixture.ConnectAsync("web");
        var api = await fixture.ConnectAsync("api");
        var cache = await fixture.ConnectAsync("cache");

        fixture.Mesh.SetAppAddress("api", "api", "http", "127.0.0.1:5000");
        var told = await api.NextAsync();
        fixture.Mesh.SetAppHealth("api", false);
        var left = await web.NextAsync(s => s.Clusters[0].Destinations.IsEmpty);

        Assert.Equal("127.0.0.1:5000", told.Inbound.Endpoints[0].App);
        Assert.Empty(left.Clusters[0].Destinations);
        Assert.Equal("127.0.0.1:5000", Assert.Single(left.Clusters[0].AppAddresses));
        Assert.False(cache.Snapshots.Reader.TryRead(out _));
    }

    [Fact]
    public async Task An_app_that_runs_and_fails_its_health_check_is_asked_only_where_no_healthy_one_is_left()
    {
        await using var fixture = await ControlPlaneFixture.StartAsync();
        fixture.Mesh.ApplyModel(Meshes.Shop
            .WithWorkload("api", w => w with { Sidecars = [.. w.Sidecars, new Protocol.Model.SidecarModel { Instance = "api-1", Inbound = "127.0.0.1:1999", Admin = "127.0.0.1:1998" }] })
            .WithEdge("api", "cache", e => e with { Listen = e.Listen.Add("api-1", "127.0.0.1:1997") }));
        var web = await fixture.ConnectAsync("web");
        Assert.Equal(["api", "api-1"], Names(web.Last!));

        fixture.Mesh.SetAppHealth("api", false, running: true);
        Assert.Equal(["api-1"], Names(await web.NextAsync()));
        fixture.Mesh.SetAppHealth("api-1", false);
        Assert.Equal(["api"], Names(await web.NextAsync()));
        fixture.Mesh.SetAppHealth("api", false);
        Assert.Empty(Names(await web.NextAsync()));

        static string[] Names(Protocol.Snapshot.MeshSnapshot snapshot) => [.. snapshot.Clusters[0].Destinations.Select(d => d.Name)];
    }

    [Fact]
    public async Task A_model_that_is_applied_again_unchanged_pushes_nothing()
    {
        await using var fixture = await ControlPlaneFixture.StartAsync();
        var web = await fixture.ConnectAsync("web");

        fixture.Mesh.ApplyModel(Meshes.Shop with { });
        fixture.Mesh.ApplyModel(Meshes.Shop.WithEdge("web", "api", e => e with { Policies = new EdgePolicies { Retry = new RetryPolicy { MaxRetries = 5 } } }));
        var next = await web.NextAsync();

        Assert.Equal(2, next.Version);
        Assert.Equal(5, next.Outbound[0].Routes[0].Retry!.MaxRetries);
    }

    [Fact]
    public async Task A_refused_snapshot_shows_with_every_reason()
    {
        await using var fixture = await ControlPlaneFixture.StartAsync();
        var web = fixture.Sidecar("web");
        web.Answer = _ => ["no port left", "no memory left"];
        await web.JoinAsync();

        await web.WatchAsync();
        await fixture.UntilAsync(m => m.GetStatus().Workloads[0].Problems.Any(p => p.Contains("MESH0200")));

        var problem = Assert.Single(fixture.Mesh.GetStatus().Workloads[0].Problems);
        Assert.Contains("no port left; no memory left", problem);
        Assert.Contains("aspiremesh config web", problem);
    }

    [Fact]
    public async Task A_sidecar_that_comes_back_with_the_snapshot_it_has_is_sent_nothing()
    {
        await using var fixture = await ControlPlaneFixture.StartAsync();
        var web = await fixture.ConnectAsync("web");
        web.Drop();
        await fixture.UntilAsync(m => m.GetStatus().Workloads[0].Problems.Any(p => p.Contains("lost its connection")));

        await web.WatchAsync();
        await fixture.UntilAsync(m => m.GetStatus().Workloads[0].Healthy);

        Assert.False(web.Snapshots.Reader.TryRead(out _));
    }

    [Fact]
    public async Task A_control_plane_that_began_anew_pushes_nothing_and_asks_nobody_to_renew()
    {
        var state = Directory.CreateTempSubdirectory("aspiremesh-state-");
        var port = FreePort.Next();
        ControlPlaneOptions Kept(ControlPlaneOptions o) => o with { StateDirectory = state.FullName, KeepModel = true, ControlListen = $"127.0.0.1:{port}" };
        try
        {
            await using var before = await ControlPlaneFixture.StartAsync(configure: Kept);
            var sidecars = new[] { await before.ConnectAsync("web"), await before.ConnectAsync("api"), await before.ConnectAsync("cache") };
            await before.UntilAsync(m => m.Check().Healthy);
            foreach (var sidecar in sidecars) sidecar.Drop();
            await before.Mesh.DisposeAsync();

            await using var after = await ControlPlaneFixture.StartAsync(configure: Kept);
            foreach (var sidecar in sidecars) await sidecar.WatchAsync();
            await after.UntilAsync(m => m.Check().Healthy);

            // Told in order: what came before this push came before everything else.
            after.Mesh.SetMtls(MtlsMode.Permissive);
            foreach (var sidecar in sidecars) Assert.Equal(MtlsMode.Permissive, (await sidecar.NextAsync()).Mtls);
            Assert.All(sidecars, s => Assert.Equal(0, s.RenewalsAsked));
            Assert.All(after.Mesh.GetCertificates().Svids, s => Assert.Equal(after.Mesh.GetCertificates().Roots.Single().Fingerprint, s.Root));
        }
        finally
        {
            state.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task A_watch_for_another_workload_than_the_svid_says_is_refused()
    {
        await using var fixture = await ControlPlaneFixture.StartAsync();
        var web = fixture.Sidecar("web");
        await web.JoinAsync();

        var refusal = await Assert.ThrowsAsync<RpcException>(() => web.WatchToTheEndAsync(instance: "api"));

        Assert.Equal(StatusCode.NotFound, refusal.StatusCode);
    }

    [Fact]
    public async Task Reports_are_summed_by_edge_and_a_restarted_sidecar_counts_on()
    {
        await using var fixture = await ControlPlaneFixture.StartAsync();
        var web = await fixture.ConnectAsync("web");

        await web.ReportAsync(Report(100, 5));
        await web.ReportAsync(Report(10, 0));
        await fixture.UntilAsync(m => m.GetStatus().Edges[0].Requests == 110);

        var edge = fixture.Mesh.GetStatus().Edges[0];
        Assert.Equal(("web", "api", true, 5), (edge.From, edge.To, edge.Mtls, edge.Failures));
    }

    [Fact]
    public async Task Percentiles_come_from_the_reported_buckets()
    {
        await using var fixture = await ControlPlaneFixture.StartAsync();
        var web = await fixture.ConnectAsync("web");
        var latency = new long[LatencyBuckets.Count];
        latency[LatencyBuckets.IndexOf(2)] = 98;
        latency[LatencyBuckets.IndexOf(80)] = 2;

        await web.ReportAsync(new SidecarReport { Edges = [new EdgeReport { To = "api", Endpoint = "http", Requests = 100, Latency = [.. latency] }] });
        await fixture.UntilAsync(m => m.GetStat()[0].Requests == 100);

        var row = fixture.Mesh.GetStat()[0];
        Assert.InRange(row.P50Ms!.Value, 2, 2.4);
        Assert.InRange(row.P99Ms!.Value, 80, 96);
        Assert.Equal(100, row.SuccessPercent);
    }

    [Fact]
    public async Task A_report_that_cannot_be_read_harms_nothing()
    {
        await using var fixture = await ControlPlaneFixture.StartAsync();
        var web = await fixture.ConnectAsync("web");

        await web.SendAsync(new SidecarMessage { Report = ByteString.CopyFromUtf8("{ not json") });
        await web.SendAsync(new SidecarMessage { Report = ByteString.CopyFromUtf8("{\"edges\":null}") });
        await web.ReportAsync(Report(7, 0));

        await fixture.UntilAsync(m => m.GetStatus().Edges[0].Requests == 7);
    }

    [Fact]
    public async Task Sidecars_send_requests_only_while_a_tap_is_open()
    {
        await using var fixture = await ControlPlaneFixture.StartAsync();
        var web = await fixture.ConnectAsync("web");
        using var cancel = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var events = fixture.Mesh.TapAsync(new TapFilter { To = "api" }, cancel.Token).GetAsyncEnumerator(cancel.Token);

        var first = events.MoveNextAsync();
        Assert.True((await web.Taps.Reader.ReadAsync(cancel.Token)).On);
        await web.TapAsync(Tapped("cache"));
        await web.TapAsync(Tapped("api"));
        Assert.True(await first);
        Assert.Equal("api", events.Current.To);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await events.MoveNextAsync());

        Assert.False((await web.Taps.Reader.ReadAsync(CancellationToken.None)).On);
    }

    private static TapEvent Tapped(string to) => new() { At = DateTimeOffset.UnixEpoch, From = "web", To = to, Endpoint = "http" };

    private static SidecarReport Report(long requests, long failures) =>
        new() { Edges = [new EdgeReport { To = "api", Endpoint = "http", Mtls = true, Requests = requests, Failures = failures, Attempts = requests, Latency = ImmutableArray<long>.Empty }] };
}
