using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using AspireMesh.Host.Identity;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Identity;
using Grpc.Core;
using Microsoft.Extensions.Time.Testing;

namespace AspireMesh.Host.Tests.Identity;

public sealed class GivenAuthorityTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("aspiremesh-given-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Sidecars_join_under_a_ca_that_was_given(bool rsa)
    {
        var (certificates, key) = Files(rsa);
        await using var fixture = await ControlPlaneFixture.StartAsync(configure: o => o with { CaCertificateFile = certificates, CaKeyFile = key });

        var web = await fixture.ConnectAsync("web");

        Assert.True(SvidValidator.TryReadId(web.Leaf!, out var id, out _));
        Assert.Equal("spiffe://shop.mesh/ns/default/sa/web", id.ToString());
        Assert.Equal("CN=given root", Assert.Single(fixture.Mesh.GetCertificates().Roots).Subject);
        Assert.True(fixture.Mesh.GetCertificates().Given);
    }

    [Fact]
    public async Task Its_root_is_not_rotated()
    {
        var (certificates, key) = Files(rsa: false);
        await using var fixture = await ControlPlaneFixture.StartAsync(configure: o => o with { CaCertificateFile = certificates, CaKeyFile = key });

        var refusal = await Assert.ThrowsAsync<MeshValidationException>(() => fixture.Mesh.RotateRootAsync(CancellationToken.None));

        Assert.Contains("not ours to replace", refusal.Message);
    }

    [Fact]
    public async Task Once_it_has_expired_nobody_joins_and_everybody_is_told_to_ask_again()
    {
        var (certificates, key) = Files(rsa: false);
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var fixture = await ControlPlaneFixture.StartAsync(configure: o => o with { CaCertificateFile = certificates, CaKeyFile = key, TimeProvider = time });
        await fixture.ConnectAsync("web");
        time.Advance(TimeSpan.FromDays(8.5));

        var refusal = await Assert.ThrowsAsync<RpcException>(() => fixture.Sidecar("api").JoinAsync());

        Assert.Equal(StatusCode.Unavailable, refusal.StatusCode);
        Assert.Contains("'CN=given intermediate', which signs SVIDs, expired at", refusal.Status.Detail);
    }

    [Fact]
    public void A_leaf_without_its_root_is_refused_with_both_reasons()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var root = Authority("CN=given root", key);
        using var leafKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=leaf", leafKey, HashAlgorithmName.SHA256);
        using var leaf = request.Create(root, DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1), [1, 2, 3]);
        var certificates = Write("ca.pem", leaf.ExportCertificatePem());

        var refusal = Assert.Throws<MeshValidationException>(() => GivenAuthority.Load(certificates, Write("ca.key", leafKey.ExportPkcs8PrivateKeyPem()), TimeProvider.System));

        Assert.Contains("is not a CA certificate", refusal.Message);
        Assert.Contains("is not a root", refusal.Message);
    }

    [Fact]
    public void A_signing_certificate_that_another_root_has_signed_is_refused_before_it_signs_anything()
    {
        var (certificates, key) = Files(rsa: false);
        using var otherKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var other = Authority("CN=given root", otherKey);
        using var signer = X509Certificate2.CreateFromPem(File.ReadAllText(certificates));
        var mixed = Write("mixed.pem", signer.ExportCertificatePem() + "\n" + other.ExportCertificatePem());

        var refusal = Assert.Throws<MeshValidationException>(() => GivenAuthority.Load(mixed, key, TimeProvider.System));

        Assert.Contains("'CN=given intermediate' does not chain to its root 'CN=given root'", refusal.Message);
    }

    [Fact]
    public void Files_that_are_not_there_or_do_not_fit_are_refused()
    {
        var (certificates, _) = Files(rsa: false);
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);

        Assert.Throws<MeshValidationException>(() => GivenAuthority.Load(Path.Combine(_directory, "none.pem"), null, TimeProvider.System));
        Assert.Throws<MeshValidationException>(() => GivenAuthority.Load(certificates, Write("other.key", other.ExportPkcs8PrivateKeyPem()), TimeProvider.System));
    }

    private (string Certificates, string Key) Files(bool rsa)
    {
        if (rsa)
        {
            using var rsaKey = RSA.Create(2048);
            var request = new CertificateRequest("CN=given root", rsaKey, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
            request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
            using var root = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(9));
            return (Write("ca.pem", root.ExportCertificatePem()), Write("ca.key", rsaKey.ExportPkcs8PrivateKeyPem()));
        }
        using var rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var top = Authority("CN=given root", rootKey);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var below = new CertificateRequest("CN=given intermediate", key, HashAlgorithmName.SHA256);
        below.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, true));
        below.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        using var intermediate = below.Create(top, DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(8), [1, 2, 3, 4]);
        return (Write("ca.pem", intermediate.ExportCertificatePem() + "\n" + top.ExportCertificatePem()), Write("ca.key", key.ExportPkcs8PrivateKeyPem()));
    }

    private static X509Certificate2 Authority(string subject, ECDsa key)
    {
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(9));
    }

    private string Write(string name, string content)
    {
        var path = Path.Combine(_directory, name);
        File.WriteAllText(path, content + "\n");
        return path;
    }
}
