using AspireMesh.Protocol.Identity;
using AspireMesh.Protocol.Model;
using Grpc.Core;
using Microsoft.Extensions.Time.Testing;

namespace AspireMesh.Host.Tests.Control;

public class JoinTests
{
    [Fact]
    public async Task A_sidecar_with_its_token_gets_an_svid_that_validates()
    {
        await using var fixture = await ControlPlaneFixture.StartAsync();
        var sidecar = fixture.Sidecar("web");

        var svid = await sidecar.JoinAsync();

        Assert.True(SvidValidator.TryReadId(sidecar.Leaf!, out var id, out _));
        Assert.Equal("spiffe://shop.mesh/ns/default/sa/web", id.ToString());
        Assert.Equal(2, svid.Chain.Count);
        Assert.Single(svid.Bundle);
        Assert.Equal(1, fixture.Mesh.GetCertificates().Joins["accepted"]);
    }

    [Fact]
    public async Task A_token_that_was_used_is_refused_as_a_replay()
    {
        await using var fixture = await ControlPlaneFixture.StartAsync();
        var token = fixture.Mesh.IssueJoinToken("web", "web");
        await fixture.Sidecar("web").JoinAsync(token);

        var refusal = await Assert.ThrowsAsync<RpcException>(() => fixture.Sidecar("web").JoinAsync(token));

        Assert.Equal(StatusCode.PermissionDenied, refusal.StatusCode);
        Assert.Contains("used before", refusal.Status.Detail);
        Assert.Contains("MESH0300", refusal.Status.Detail);
        Assert.Equal(1, fixture.Mesh.GetCertificates().Joins["replayed"]);
    }

    [Fact]
    public async Task A_sidecar_whose_answer_was_lost_joins_again_with_the_same_token_and_key()
    {
        await using var fixture = await ControlPlaneFixture.StartAsync();
        var sidecar = fixture.Sidecar("web");
        await sidecar.JoinAsync();

        await sidecar.JoinAsync();

        Assert.Equal(2, fixture.Mesh.GetCertificates().Joins["accepted"]);
    }

    [Fact]
    public async Task A_token_of_another_workload_is_refused_and_used_up()
    {
        await using var fixture = await ControlPlaneFixture.StartAsync();
        var token = fixture.Mesh.IssueJoinToken("api", "api");

        var wrong = await Assert.ThrowsAsync<RpcException>(() => fixture.Sidecar("web").JoinAsync(token));
        var late = await Assert.ThrowsAsync<RpcException>(() => fixture.Sidecar("api").JoinAsync(token));

        Assert.Contains("another sidecar", wrong.Status.Detail);
        Assert.Contains("used before", late.Status.Detail);
    }

    [Fact]
    public async Task A_token_of_another_mesh_is_refused_as_such()
    {
        await using var fixture = await ControlPlaneFixture.StartAsync();
        await using var other = new MeshControlPlane(new ControlPlaneOptions { Name = "other", TrustDomain = "other.mesh", RunDirectory = "" });

        var refusal = await Assert.ThrowsAsync<RpcException>(() => fixture.Sidecar("web").JoinAsync(other.IssueJoinToken("web", "web")));

        Assert.Contains("another mesh", refusal.Status.Detail);
        Assert.Equal(1, fixture.Mesh.GetCertificates().Joins["otherMesh"]);
    }

    [Theory]
    [InlineData("")]
    [InlineData("nonsense")]
    [InlineData("aspiremesh1.")]
    [InlineData("aspiremesh1.shop.mesh.0000")]
    public async Task A_made_up_token_is_refused(string token)
    {
        await using var fixture = await ControlPlaneFixture.StartAsync();

        var refusal = await Assert.ThrowsAsync<RpcException>(() => fixture.Sidecar("web").JoinAsync(token));

        Assert.Equal(StatusCode.PermissionDenied, refusal.StatusCode);
    }

    [Fact]
    public async Task A_malformed_certificate_request_is_refused_with_its_id()
    {
        await using var fixture = await ControlPlaneFixture.StartAsync();

        var refusal = await Assert.ThrowsAsync<RpcException>(() => fixture.Sidecar("web").JoinAsync(csr: [1, 2, 3]));

        Assert.Equal(StatusCode.InvalidArgument, refusal.StatusCode);
        Assert.Contains("MESH0301", refusal.Status.Detail);
    }

    [Fact]
    public async Task Renewing_and_watching_without_an_svid_is_refused()
    {
        await using var fixture = await ControlPlaneFixture.StartAsync();
        var sidecar = fixture.Sidecar("web");

        var renew = await Assert.ThrowsAsync<RpcException>(() => sidecar.RenewAsync(withSvid: false));
        var watch = await Assert.ThrowsAsync<RpcException>(() => sidecar.WatchToTheEndAsync(withSvid: false));

        Assert.Equal(StatusCode.Unauthenticated, renew.StatusCode);
        Assert.Equal(StatusCode.Unauthenticated, watch.StatusCode);
    }

    [Fact]
    public async Task An_svid_of_another_ca_with_the_same_trust_domain_is_refused_in_the_handshake()
    {
        await using var mesh = await ControlPlaneFixture.StartAsync();
        await using var twin = await ControlPlaneFixture.StartAsync();
        var stranger = twin.Sidecar("web");
        await stranger.JoinAsync();
        await using var intruder = new FakeSidecar(mesh.Mesh.CreateBootstrap("web"));

        intruder.UseSvidOf(stranger);

        await Assert.ThrowsAsync<RpcException>(() => intruder.RenewAsync());
    }

    [Fact]
    public async Task Renewing_gives_a_new_certificate_for_the_same_identity()
    {
        await using var fixture = await ControlPlaneFixture.StartAsync();
        var sidecar = fixture.Sidecar("web");
        await sidecar.JoinAsync();
        var before = sidecar.Leaf!;

        await sidecar.RenewAsync();

        Assert.NotEqual(before.SerialNumber, sidecar.Leaf!.SerialNumber);
        Assert.True(SvidValidator.TryReadId(sidecar.Leaf, out var id, out _));
        Assert.Equal("spiffe://shop.mesh/ns/default/sa/web", id.ToString());
    }

    [Fact]
    public async Task A_renewal_is_noted_for_the_sidecar_it_was_for_however_long_and_alike_their_names_are()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        var name = new string('c', 64);
        SidecarModel Replica(int ordinal) => new() { Instance = $"{name}-{ordinal}", Inbound = $"127.0.0.1:{1200 + (2 * ordinal)}", Admin = $"127.0.0.1:{1201 + (2 * ordinal)}" };
        await using var fixture = await ControlPlaneFixture.StartAsync(Meshes.Shop.WithWorkload("cache", w => w with { Sidecars = [Replica(0), Replica(1)] }), o => o with { TimeProvider = time });
        var first = await fixture.ConnectAsync($"{name}-0");
        var second = await fixture.ConnectAsync($"{name}-1");
        var before = first.Leaf!.NotAfter.ToUniversalTime();

        time.Advance(TimeSpan.FromMinutes(10));
        await second.RenewAsync();

        var svids = fixture.Mesh.GetCertificates().Svids;
        Assert.Equal(before, svids.Single(s => s.Instance == $"{name}-0").Expires!.Value.UtcDateTime);
        Assert.Equal(second.Leaf!.NotAfter.ToUniversalTime(), svids.Single(s => s.Instance == $"{name}-1").Expires!.Value.UtcDateTime);
    }
}
