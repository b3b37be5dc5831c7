using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using AspireMesh.Host.Running;
using AspireMesh.Protocol.Admin;
using AspireMesh.TestKit;
using Microsoft.Extensions.DependencyInjection;

namespace AspireMesh.Hosting.Tests.Running;

/// <summary>What an AppHost's identities are rooted in, and for how long.</summary>
public sealed class TrustTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("aspiremesh-trust-").FullName;

    [Theory]
    [InlineData(ControlPlaneHosting.AppHost)]
    [InlineData(ControlPlaneHosting.OwnProcess)]
    public async Task The_root_outlives_the_application_in_files_that_only_its_user_may_read(ControlPlaneHosting hosting)
    {
        var kept = Path.Combine(_directory, "ca");
        var first = await RootAsync(m => m.WithControlPlane(hosting).Resource.Options.CaDirectory = kept);
        var second = await RootAsync(m => m.WithControlPlane(hosting).Resource.Options.CaDirectory = kept);
        var other = await RootAsync(m => m.WithControlPlane(hosting));

        Assert.Equal(first, second);
        Assert.NotEqual(first, other);
        if (OperatingSystem.IsWindows()) return;
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, new DirectoryInfo(kept).UnixFileMode);
        Assert.All(Directory.GetFiles(kept), f => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(f)));
    }

    [Fact]
    public async Task A_given_authority_issues_the_identities()
    {
        var certificates = new TestCertificates();
        var (certificate, key) = (Path.Combine(_directory, "ca.pem"), Path.Combine(_directory, "ca.key"));
        await File.WriteAllTextAsync(certificate, certificates.RootPem, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(key, certificates.Root.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem(), TestContext.Current.CancellationToken);

        var root = await RootAsync(m => m.WithTrustDomain(certificates.TrustDomain).WithCertificateAuthority(certificate, key));

        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(certificates.Root.RawData)), root);
    }

    [Fact]
    public void Two_apphosts_of_one_user_never_share_a_directory()
    {
        string[] all =
        [
            StateDirectories.Of("Shop", "/one/Shop.csproj", "shop.mesh"),
            StateDirectories.Of("Shop", "/two/Shop.csproj", "shop.mesh"),
            StateDirectories.Of("Shop", "/one/Shop.csproj", "other.mesh"),
        ];

        Assert.Equal(all.Length, all.Distinct().Count());
        Assert.Equal(all[0], StateDirectories.Of("Shop", "/one/Shop.csproj", "shop.mesh"));
        Assert.All(all, d => Assert.StartsWith(Environment.GetEnvironmentVariable(RunFile.DirectoryVariable)!, d));
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private static async Task<string> RootAsync(Action<IResourceBuilder<MeshResource>> configure)
    {
        await using var mesh = new MeshApp();
        configure(mesh.Mesh);
        mesh.Service("back");
        await mesh.StartAsync("back");
        using var admin = new MeshAdminClient(await mesh.App.Services.GetRequiredService<MeshAccess>().Run);
        return (await admin.GetCertificatesAsync(mesh.Limit)).Roots.Single().Fingerprint;
    }
}
