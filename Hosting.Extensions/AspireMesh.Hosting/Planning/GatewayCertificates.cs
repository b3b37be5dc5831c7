using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace AspireMesh.Hosting.Planning;

/// <summary>The certificate that gateways show: the developer certificate of <c>dotnet dev-certs https</c>, which browsers of this machine may trust, else one made for this run.</summary>
internal static class GatewayCertificates
{
    // The extension that marks it (ASP.NET Core's certificate manager).
    private const string Marker = "1.3.6.1.4.1.311.84.1.1";
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";
    private static readonly TimeSpan Life = TimeSpan.FromDays(30);

    /// <summary>PEM of certificate and key, and whether it is the developer certificate.</summary>
    public static (string Pem, bool Developer) Find(TimeProvider time)
    {
        using var store = new X509Store(StoreName.My, StoreLocation.CurrentUser);
        try
        {
            store.Open(OpenFlags.ReadOnly | OpenFlags.OpenExistingOnly);
        }
        catch (CryptographicException)
        {
            return (Make(time), false); // No store yet: nothing was ever put into it.
        }
        return Developer(store.Certificates, time) is { } pem ? (pem, true) : (Make(time), false);
    }

    /// <summary>The developer certificate that is valid now and lasts longest; null where there is none whose key can be read.</summary>
    public static string? Developer(X509Certificate2Collection certificates, TimeProvider time)
    {
        var now = time.GetUtcNow();
        return certificates
            .Where(c => c.HasPrivateKey && c.Extensions.Any(e => e.Oid?.Value == Marker) && c.NotBefore.ToUniversalTime() <= now && c.NotAfter.ToUniversalTime() > now)
            .OrderByDescending(c => c.NotAfter)
            .Select(Export)
            .FirstOrDefault(pem => pem is not null);
    }

    private static string? Export(X509Certificate2 certificate)
    {
        try
        {
            using AsymmetricAlgorithm? key = certificate.GetRSAPrivateKey() ?? (AsymmetricAlgorithm?)certificate.GetECDsaPrivateKey();
            return key is null ? null : $"{certificate.ExportCertificatePem()}\n{key.ExportPkcs8PrivateKeyPem()}\n";
        }
        catch (CryptographicException)
        {
            return null; // The system keeps the key to itself: a gateway in another process could not have it.
        }
    }

    private static string Make(TimeProvider time)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddDnsName("*.localhost");
        names.AddIpAddress(System.Net.IPAddress.Loopback);
        names.AddIpAddress(System.Net.IPAddress.IPv6Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(ServerAuthentication)], critical: false));
        var now = time.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now.AddHours(-1), now + Life);
        return $"{certificate.ExportCertificatePem()}\n{key.ExportPkcs8PrivateKeyPem()}\n";
    }
}
