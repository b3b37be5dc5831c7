using AspireMesh.Host.Tests.WholeMesh;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.TestKit;

namespace AspireMesh.Host.Tests.Spire;

/// <summary>Control plane and sidecars with identities from a SPIFFE Workload API: nobody joins, and rotations are the agent's.</summary>
public class SpireTests
{
    private static readonly string[] Names = ["web", "api", "aspiremesh-control-plane"];
    private readonly TestCertificates _ca = new(Meshes.TrustDomain);
    private DateTimeOffset _until = TimeProvider.System.GetUtcNow().AddHours(1);

    [Fact]
    public async Task Leaves_and_the_root_are_replaced_by_the_agent_under_load_and_no_request_fails()
    {
        await using var api = await StandInWorkloadApi.StartAsync();
        api.Give(StandInWorkloadApi.Svids(_ca, Names, _until));
        await using var mesh = await RealMesh.StartAsync(workloadApi: api.Address);
        var next = new TestCertificates(Meshes.TrustDomain);
        var load = await PacedLoad.StartAsync(mesh.Front, perSecond: 300);

        for (var leaf = 0; leaf < 3; leaf++) await GiveAsync(mesh, api, _ca, _ca);
        await GiveAsync(mesh, api, _ca, _ca, next);
        await GiveAsync(mesh, api, next, _ca, next);
        await GiveAsync(mesh, api, next, next);
        var report = await load.StopAsync();
        await mesh.UntilAsync(m => m.Check().Healthy);

        Assert.Empty(report.Failures);
        Assert.Equal((report.Sent, report.Sent), (report.Answered, mesh.Arrivals));
        var certificates = mesh.Control.GetCertificates();
        Assert.Equal((next.Root.Subject, api.Address), (Assert.Single(certificates.Roots).Subject, certificates.WorkloadApi));
    }

    [Fact]
    public async Task An_agent_that_is_gone_changes_nothing_and_one_that_is_back_is_followed_again()
    {
        await using var api = await StandInWorkloadApi.StartAsync();
        api.Give(StandInWorkloadApi.Svids(_ca, Names, _until));
        await using var mesh = await RealMesh.StartAsync(workloadApi: api.Address);

        await api.StopAsync();
        Assert.Equal("hello", await mesh.Client.GetStringAsync("/"));
        await mesh.UntilAsync(m => m.Check().Healthy);
        var asked = api.Asked;
        await api.StartAgainAsync();
        await GiveAsync(mesh, api, _ca, _ca);

        Assert.Equal("hello", await mesh.Client.GetStringAsync("/"));
        Assert.True(api.Asked > asked);
    }

    [Fact]
    public async Task Without_an_entry_everybody_waits_and_starts_once_there_is_one()
    {
        using var logs = new CapturedLogs();
        await using var api = await StandInWorkloadApi.StartAsync();
        var starting = RealMesh.StartAsync(workloadApi: api.Address, logs: logs);
        await logs.UntilAsync("has no entry that makes this process 'spiffe://" + Meshes.TrustDomain + "/ns/default/sa/aspiremesh-control-plane'");
        Assert.False(starting.IsCompleted);

        api.Give(StandInWorkloadApi.Svids(_ca, ["aspiremesh-control-plane"], _until));
        await logs.UntilAsync("'spiffe://" + Meshes.TrustDomain + "/ns/default/sa/web' is needed");
        Assert.False(starting.IsCompleted);

        api.Give(StandInWorkloadApi.Svids(_ca, Names, _until));
        await using var mesh = await starting;
        Assert.Equal("hello", await mesh.Client.GetStringAsync("/"));
    }

    [Fact]
    public async Task An_svid_that_breaks_a_rule_is_not_put_in_use()
    {
        using var logs = new CapturedLogs();
        await using var api = await StandInWorkloadApi.StartAsync();
        api.Give(StandInWorkloadApi.Svids(_ca, Names, _until));
        await using var mesh = await RealMesh.StartAsync(workloadApi: api.Address, logs: logs);
        await mesh.UntilAsync(m => m.GetStatus().Workloads.All(w => w.SvidExpires == Seconds(_until)));

        api.Give(Names.Select(n => StandInWorkloadApi.Svid(_ca.IdOf(n), _ca.Issue(new SvidShape { Uris = [_ca.IdOf(n), _ca.IdOf("other")], NotAfter = _until.AddHours(1) }), _ca.Root)));
        await logs.UntilAsync("gives sidecar 'api' no identity: the certificate has 2 URI SANs");
        await logs.UntilAsync("gives the control plane no identity: the certificate has 2 URI SANs");

        Assert.Equal("hello", await mesh.Client.GetStringAsync("/"));
        Assert.All(mesh.Control.GetStatus().Workloads, w => Assert.Equal(Seconds(_until), w.SvidExpires));
        await GiveAsync(mesh, api, _ca, _ca);
    }

    [Fact]
    public async Task What_only_a_ca_can_do_is_refused_with_where_to_look()
    {
        await using var api = await StandInWorkloadApi.StartAsync();
        api.Give(StandInWorkloadApi.Svids(_ca, Names, _until));
        await using var mesh = await RealMesh.StartAsync(workloadApi: api.Address);

        var rotating = await Assert.ThrowsAsync<MeshValidationException>(() => mesh.Control.RotateRootAsync(CancellationToken.None));
        var renewing = Assert.Throws<MeshValidationException>(() => mesh.Control.RenewNow());

        Assert.Contains("come from a SPIFFE Workload API", rotating.Message);
        Assert.Contains(api.Address, renewing.Message);
        Assert.Null(mesh.Control.CreateBootstrap("api").JoinToken);
    }

    // Each answer has another end, so that it can be told who uses it.
    private async Task GiveAsync(RealMesh mesh, StandInWorkloadApi api, TestCertificates issuer, params TestCertificates[] bundle)
    {
        _until += TimeSpan.FromMinutes(1);
        api.Give(StandInWorkloadApi.Svids(issuer, Names, _until, bundle.Select(b => b.Root)));
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        using var look = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (!mesh.Control.GetCertificates().Roots.Select(r => r.Subject).SequenceEqual(bundle.Select(b => b.Root.Subject))) await look.WaitForNextTickAsync(limit.Token);
        await mesh.UntilAsync(m => m.GetStatus().Workloads.All(w => w.SvidExpires == Seconds(_until)));
    }

    private static DateTimeOffset Seconds(DateTimeOffset time) => DateTimeOffset.FromUnixTimeSeconds(time.ToUnixTimeSeconds());
}
