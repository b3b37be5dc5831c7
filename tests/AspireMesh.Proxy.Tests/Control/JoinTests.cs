using AspireMesh.Protocol.Control;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Proxy.Control;
using AspireMesh.TestKit;
using Grpc.Core;
using Microsoft.Extensions.Logging.Abstractions;

namespace AspireMesh.Proxy.Tests.Control;

public sealed class JoinTests
{
    [Fact]
    public async Task A_join_brings_an_svid_with_a_key_of_its_own()
    {
        await using var fixture = await ClientFixture.StartAsync();
        await fixture.Client.JoinAsync(default);
        Assert.Equal(("web", "token"), Assert.Single(fixture.Plane.Joins));
        Assert.Equal(fixture.Certificates.IdOf("web"), fixture.Client.Current!.Id.ToString());
        Assert.True(fixture.Client.Current.Leaf.HasPrivateKey);
    }

    [Fact]
    public async Task A_refused_token_ends_the_start_with_what_to_type()
    {
        await using var fixture = await ClientFixture.StartAsync();
        fixture.Plane.OnJoin = () => throw new RpcException(new Status(StatusCode.PermissionDenied, "the token was used before"));
        var refused = await Assert.ThrowsAsync<MeshValidationException>(() => fixture.Client.JoinAsync(default));
        var problem = Assert.Single(refused.Problems);
        Assert.Equal("MESH0300", problem.Id);
        Assert.Contains("the token was used before", problem.Message);
        Assert.Contains("Start the sidecar's resource again", problem.Message);
        Assert.Single(fixture.Plane.Joins);
        Assert.Equal(ControlPhase.Refused, fixture.Client.State.Phase);
    }

    [Fact]
    public async Task A_control_plane_that_comes_later_is_waited_for()
    {
        await using var fixture = await ClientFixture.StartAsync();
        await fixture.Plane.StopAsync();
        var joining = fixture.Client.JoinAsync(default);
        await ClientFixture.UntilAsync(() => fixture.Client.State.Detail.Contains("waits for the control plane"));
        await fixture.Plane.StartAsync();
        await joining;
        Assert.NotNull(fixture.Client.Current);
    }

    [Fact]
    public async Task A_join_whose_answer_was_lost_is_tried_again_with_the_same_key()
    {
        await using var fixture = await ClientFixture.StartAsync();
        var tries = 0;
        fixture.Plane.OnJoin = () => Interlocked.Increment(ref tries) < 3 ? throw new RpcException(new Status(StatusCode.Unavailable, "lost")) : TimeSpan.FromHours(1);
        await fixture.Client.JoinAsync(default);
        Assert.Equal(3, fixture.Plane.JoinKeys.Count);
        Assert.Single(fixture.Plane.JoinKeys.Distinct());
    }

    [Theory]
    [InlineData("another-workload", "is")]
    [InlineData(null, "chain")]
    public async Task Only_this_meshs_control_plane_gets_the_token(string? workload, string reason)
    {
        var certificates = new TestCertificates();
        var stranger = workload is null ? new TestCertificates().Svid("aspiremesh-control-plane") : certificates.Svid(workload);
        await using var plane = new FakeControlPlane(certificates, stranger);
        await plane.StartAsync();
        using var stop = new CancellationTokenSource();
        var uplink = new Uplink(new Telemetry.SilentReports(), new TapPoint(), TimeProvider.System);
        await using var client = new MeshControlClient(plane.Bootstrap(), uplink, TimeProvider.System, 1, NullLogger.Instance);
        var joining = client.JoinAsync(stop.Token);
        await ClientFixture.UntilAsync(() => client.State.Detail.Contains("is not this mesh's control plane"));
        Assert.Contains(reason, client.State.Detail);
        Assert.Empty(plane.Joins);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => joining);
    }

    [Fact]
    public async Task A_token_file_is_read_at_each_join()
    {
        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, "from-file\n");
        await using var fixture = await ClientFixture.StartAsync(plane => plane.Bootstrap(token: null, tokenFile: file));
        await fixture.Client.JoinAsync(default);
        Assert.Equal(("web", "from-file"), Assert.Single(fixture.Plane.Joins));
        File.Delete(file);
    }

    [Fact]
    public void A_bad_bootstrap_is_refused_with_every_reason()
    {
        var plane = new FakeControlPlane(new TestCertificates());
        var bad = plane.Bootstrap(token: null) with { TrustDomain = "UPPER", ControlPlane = "http://x", TrustBundle = ["not pem"] };
        var refused = Assert.Throws<MeshValidationException>(() => new MeshControlClient(bad, new Uplink(new Telemetry.SilentReports(), new TapPoint(), TimeProvider.System), TimeProvider.System, 1, NullLogger.Instance));
        Assert.Equal(4, refused.Problems.Length);
        Assert.All(refused.Problems, p => Assert.Equal("MESH0306", p.Id));
    }

    [Fact]
    public async Task An_svid_for_somebody_elses_key_is_refused()
    {
        await using var fixture = await ClientFixture.StartAsync();
        fixture.Plane.IssueForAnotherKey = true;
        var refused = await Assert.ThrowsAsync<MeshValidationException>(() => fixture.Client.JoinAsync(default));
        Assert.Equal("MESH0302", Assert.Single(refused.Problems).Id);
        Assert.Null(fixture.Client.Current);
    }
}
