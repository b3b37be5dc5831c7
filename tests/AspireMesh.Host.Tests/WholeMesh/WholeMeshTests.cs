using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Model;

namespace AspireMesh.Host.Tests.WholeMesh;

public class WholeMeshTests
{
    [Fact]
    public async Task A_request_crosses_two_sidecars_and_status_says_mtls()
    {
        await using var mesh = await RealMesh.StartAsync();

        var answer = await mesh.Client.GetStringAsync("/");
        await mesh.UntilAsync(m => m.GetStatus().Edges[0] is { Mtls: true, Requests: >= 1 });
        await mesh.UntilAsync(m => m.Check().Healthy);

        Assert.Equal("hello", answer);
        Assert.Equal(0, mesh.Control.GetStatus().Edges[0].Failures);
    }

    [Fact]
    public async Task A_control_plane_that_began_anew_replaces_no_root_before_its_sidecars_are_back()
    {
        var state = Directory.CreateTempSubdirectory("aspiremesh-state-");
        await using var mesh = await RealMesh.StartAsync(stateDirectory: state.FullName);
        await mesh.UntilAsync(m => m.Check().Healthy);
        var before = mesh.Control.GetCertificates().Roots.Single().Fingerprint;

        var (sent, failures) = await mesh.LoadWhileAsync(async () =>
        {
            await mesh.StopControlAsync();
            await mesh.RestartControlAsync();
            // At once: nobody has come back yet.
            await mesh.Control.RotateRootAsync(CancellationToken.None);
            await mesh.UntilAsync(m => m.Check().Healthy);
        });

        Assert.Empty(failures);
        Assert.True(sent > 0);
        var root = Assert.Single(mesh.Control.GetCertificates().Roots).Fingerprint;
        Assert.NotEqual(before, root);
        Assert.Equal(2, mesh.Control.GetCertificates().Svids.Count(s => s.Root == root));
        state.Delete(recursive: true);
    }

    [Fact]
    public async Task The_root_is_replaced_twice_under_load_and_no_request_fails()
    {
        await using var mesh = await RealMesh.StartAsync();
        var before = mesh.Control.GetCertificates().Roots[0].Fingerprint;

        var (sent, failures) = await mesh.LoadWhileAsync(async () =>
        {
            await mesh.Control.RotateRootAsync(CancellationToken.None);
            await mesh.Control.RotateRootAsync(CancellationToken.None);
        });

        Assert.Empty(failures);
        Assert.True(sent > 0);
        var root = Assert.Single(mesh.Control.GetCertificates().Roots);
        Assert.NotEqual(before, root.Fingerprint);
        Assert.All(mesh.Control.GetCertificates().Svids, s => Assert.Equal(root.Fingerprint, s.Root));
    }

    [Fact]
    public async Task Short_lived_svids_are_renewed_under_load_and_no_request_fails()
    {
        await using var mesh = await RealMesh.StartAsync(m => m with { SvidLifetime = TimeSpan.FromSeconds(8) });
        var first = mesh.Control.GetStatus().Workloads.Min(w => w.SvidExpires);

        var (_, failures) = await mesh.LoadWhileAsync(() => mesh.UntilAsync(m => m.GetStatus().Workloads.Min(w => w.SvidExpires) > first + TimeSpan.FromSeconds(8)));

        Assert.Empty(failures);
    }

    [Fact]
    public async Task The_control_plane_goes_and_comes_back_with_the_same_trust_and_no_request_fails()
    {
        var state = Directory.CreateTempSubdirectory("aspiremesh-state-");
        try
        {
            await using var mesh = await RealMesh.StartAsync(stateDirectory: state.FullName);
            await mesh.UntilAsync(m => m.Check().Healthy);
            var bundle = mesh.Control.TrustBundle;

            var (_, failures) = await mesh.LoadWhileAsync(async () =>
            {
                await mesh.StopControlAsync();
                await mesh.Client.GetStringAsync("/");
                await mesh.RestartControlAsync();
                await mesh.UntilAsync(m => m.Check().Healthy);
            });

            Assert.Empty(failures);
            Assert.Equal(bundle, mesh.Control.TrustBundle);
            // Nothing was pushed: the sidecars had what the new control plane compiled from what was kept.
            Assert.All(mesh.Control.GetStatus().Workloads, w => Assert.True(w.Snapshot > 0));
        }
        finally
        {
            state.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task Check_tells_who_still_calls_in_plaintext_and_strict_waits_for_them()
    {
        await using var mesh = await RealMesh.StartAsync(m => m with { Mtls = MtlsMode.Permissive });
        var inbound = mesh.Model.Workloads.Single(w => w.Name == "api").Sidecars[0].Inbound;
        await mesh.UntilAsync(m => m.Check() is { Healthy: true, Notes: [] });
        using var outside = new HttpClient();
        for (var call = 0; call < 3; call++) Assert.Equal("hello", await outside.GetStringAsync(new Uri($"http://{inbound}/"), TestContext.Current.CancellationToken));
        // A caller with a sidecar is none of them.
        Assert.Equal("hello", await mesh.Client.GetStringAsync("/"));

        await mesh.UntilAsync(m => m.Check().Notes.Length > 0);
        var refusal = Assert.Throws<MeshValidationException>(() => mesh.Control.SetMtls(MtlsMode.Strict));

        Assert.StartsWith("'127.0.0.1' still calls 'api' in plaintext (", Assert.Single(mesh.Control.Check().Notes));
        Assert.Contains("'127.0.0.1' still calls 'api' in plaintext and would be refused", Assert.Single(refusal.Problems).Message);
        Assert.Equal(MtlsMode.Permissive, mesh.Control.Model!.Mtls);
    }

    [Fact]
    public async Task Permissive_strict_and_back_under_load_loses_nothing()
    {
        await using var mesh = await RealMesh.StartAsync();

        var (_, failures) = await mesh.LoadWhileAsync(async () =>
        {
            foreach (var mode in new[] { MtlsMode.Permissive, MtlsMode.Strict, MtlsMode.Permissive, MtlsMode.Strict })
            {
                mesh.Control.SetMtls(mode);
                await mesh.UntilAsync(m => m.Check().Healthy);
            }
        });

        Assert.Empty(failures);
    }
}
