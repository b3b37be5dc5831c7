using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;
using AspireMesh.TestKit;

namespace AspireMesh.Host.Tests.WholeMesh;

/// <summary>Identity changes under a load of a thousand requests a second whose client never repeats one. How fast it really went is printed, not asserted.</summary>
public class RotationLoadTests(ITestOutputHelper output)
{
    private const int Leaves = 8;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task No_request_fails_while_leaves_are_renewed_and_the_root_is_replaced_twice(bool retries)
    {
        await using var mesh = await RealMesh.StartAsync(m => retries ? WithDefaultRetries(m) : m);
        var roots = new List<string> { Root(mesh) };
        var load = await PacedLoad.StartAsync(mesh.Front);

        for (var rotation = 1; rotation <= Leaves; rotation++)
        {
            await mesh.RenewAllAsync();
            if (rotation % 4 != 0) continue;
            await mesh.Control.RotateRootAsync(CancellationToken.None);
            roots.Add(Root(mesh));
        }
        var report = await load.StopAsync();
        await mesh.UntilAsync(m => m.GetStat()[0].Requests >= report.Sent);

        output.WriteLine($"{report}; {mesh.Arrivals} reached the app in {mesh.Control.GetStat()[0].Attempts} attempts {string.Join(' ', report.Failures.Take(1))}");
        Assert.Empty(report.Failures);
        Assert.Equal(3, roots.Distinct().Count());
        Assert.Equal((report.Sent, report.Sent), (report.Answered, mesh.Control.GetStat()[0].Requests));
        // Nothing was repeated behind the caller's back where retries are off.
        if (!retries) Assert.Equal((report.Sent, report.Sent), (mesh.Arrivals, mesh.Control.GetStat()[0].Attempts));
    }

    [Fact]
    public async Task No_request_fails_from_permissive_to_strict_to_rotated_to_permissive()
    {
        await using var mesh = await RealMesh.StartAsync(m => m with { Mtls = MtlsMode.Permissive });
        var load = await PacedLoad.StartAsync(mesh.Front);

        await SetMtlsAsync(mesh, MtlsMode.Strict);
        await mesh.RenewAllAsync();
        await mesh.Control.RotateRootAsync(CancellationToken.None);
        await SetMtlsAsync(mesh, MtlsMode.Permissive);
        await mesh.RenewAllAsync();
        var report = await load.StopAsync();

        output.WriteLine($"{report} {string.Join(' ', report.Failures.Take(1))}");
        Assert.Empty(report.Failures);
        Assert.Equal((report.Sent, report.Sent), (report.Answered, mesh.Arrivals));
    }

    private static MeshModel WithDefaultRetries(MeshModel model) => model.WithEdge("web", "api", e => e with { Policies = new EdgePolicies() });

    private static string Root(RealMesh mesh) => Assert.Single(mesh.Control.GetCertificates().Roots).Fingerprint;

    private static async Task SetMtlsAsync(RealMesh mesh, MtlsMode mode)
    {
        mesh.Control.SetMtls(mode);
        await mesh.UntilAsync(m => m.Check().Healthy);
    }
}
