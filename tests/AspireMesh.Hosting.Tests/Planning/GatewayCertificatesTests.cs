using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using AspireMesh.Hosting.Planning;
using Microsoft.Extensions.Time.Testing;

namespace AspireMesh.Hosting.Tests.Planning;

public class GatewayCertificatesTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 22, 12, 0, 0, TimeSpan.Zero);
    private readonly FakeTimeProvider _time = new(Now);

    [Fact]
    public void The_developer_certificate_that_lasts_longest_is_taken_with_its_key()
    {
        using var shorter = Certificate("CN=shorter", marked: true, Now.AddDays(10));
        using var longer = Certificate("CN=longer", marked: true, Now.AddDays(20));
        using var other = Certificate("CN=other", marked: false, Now.AddDays(300));

        var pem = GatewayCertificates.Developer([shorter, longer, other], _time);

        using var read = X509Certificate2.CreateFromPem(pem, pem);
        Assert.Equal(("CN=longer", true), (read.Subject, read.HasPrivateKey));
    }

    [Fact]
    public void One_that_ran_out_or_has_no_key_is_none()
    {
        using var old = Certificate("CN=old", marked: true, Now.AddDays(-1));
        using var whole = Certificate("CN=keyless", marked: true, Now.AddDays(10));
        using var keyless = X509CertificateLoader.LoadCertificate(whole.RawData);

        Assert.Null(GatewayCertificates.Developer([old, keyless], _time));
    }

    private static X509Certificate2 Certificate(string subject, bool marked, DateTimeOffset until)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        if (marked) request.CertificateExtensions.Add(new X509Extension("1.3.6.1.4.1.311.84.1.1", [2], critical: false));
        using var made = request.CreateSelfSigned(Now.AddDays(-30), until);
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null, X509KeyStorageFlags.Exportable);
    }
}
