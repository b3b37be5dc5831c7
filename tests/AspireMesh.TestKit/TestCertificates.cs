using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace AspireMesh.TestKit;

/// <summary>A CA for tests, and SVIDs from it: good ones, and bad ones of every kind by changing one thing of a good one.</summary>
public sealed class TestCertificates
{
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";

    /// <summary>Makes a CA for a trust domain, valid for ten days around <paramref name="now"/>.</summary>
    public TestCertificates(string trustDomain = "test.mesh", DateTimeOffset? now = null)
    {
        TrustDomain = trustDomain;
        Now = now ?? DateTimeOffset.UtcNow;
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN=test root {Guid.NewGuid():N}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        Root = request.CreateSelfSigned(Now.AddDays(-5), Now.AddDays(5));
    }

    /// <summary>Issues from a root that is there, which comes with its key.</summary>
    public TestCertificates(string trustDomain, X509Certificate2 root) => (TrustDomain, Root, Now) = (trustDomain, root, DateTimeOffset.UtcNow);

    /// <summary>The trust domain of the SVIDs that name none themselves.</summary>
    public string TrustDomain { get; }

    /// <summary>The middle of everything's validity.</summary>
    public DateTimeOffset Now { get; }

    /// <summary>The root, with its key.</summary>
    public X509Certificate2 Root { get; }

    /// <summary>The root as a trust bundle.</summary>
    public X509Certificate2Collection Roots => [X509CertificateLoader.LoadCertificate(Root.RawData)];

    /// <summary>The root as PEM.</summary>
    public string RootPem => Root.ExportCertificatePem();

    /// <summary>The SPIFFE ID of a workload.</summary>
    public string IdOf(string workload) => $"spiffe://{TrustDomain}/ns/default/sa/{workload}";

    /// <summary>A good SVID, with its key.</summary>
    public X509Certificate2 Svid(string workload) => Issue(new SvidShape { Uris = [IdOf(workload)] });

    /// <summary>A certificate of any shape, with its key unless the shape brings one.</summary>
    public X509Certificate2 Issue(SvidShape shape)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var name = new X500DistinguishedName("CN=test svid");
        var request = shape.Key is { } given ? new CertificateRequest(name, given, HashAlgorithmName.SHA256) : new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(shape.IsAuthority, false, 0, true));
        if (shape.KeyUsage is { } usage) request.CertificateExtensions.Add(new X509KeyUsageExtension(usage, shape.KeyUsageCritical));
        if (Purposes(shape) is { Count: > 0 } purposes) request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(purposes, false));
        if (shape.Uris.Count + shape.DnsNames.Count > 0) request.CertificateExtensions.Add(Names(shape));
        var from = shape.NotBefore ?? Now.AddHours(-1);
        var to = shape.NotAfter ?? Now.AddDays(1);
        if (shape.SelfSigned) return request.CreateSelfSigned(from, to);
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(Root, true, false));
        var serial = RandomNumberGenerator.GetBytes(16);
        serial[0] &= 0x7f;
        var issued = request.Create(Root.SubjectName, X509SignatureGenerator.CreateForECDsa(Root.GetECDsaPrivateKey()!), from, to, serial);
        return shape.Key is null ? issued.CopyWithPrivateKey(key) : issued;
    }

    private static OidCollection Purposes(SvidShape shape)
    {
        var purposes = new OidCollection();
        if (shape.ServerPurpose) purposes.Add(new Oid(ServerAuthentication));
        if (shape.ClientPurpose) purposes.Add(new Oid(ClientAuthentication));
        return purposes;
    }

    private static X509Extension Names(SvidShape shape)
    {
        var names = new AsnWriter(AsnEncodingRules.DER);
        using (names.PushSequence())
        {
            foreach (var uri in shape.Uris) names.WriteCharacterString(UniversalTagNumber.IA5String, uri, new Asn1Tag(TagClass.ContextSpecific, 6));
            foreach (var dns in shape.DnsNames) names.WriteCharacterString(UniversalTagNumber.IA5String, dns, new Asn1Tag(TagClass.ContextSpecific, 2));
        }
        return new X509Extension("2.5.29.17", names.Encode(), false);
    }
}

/// <summary>What a certificate of a test looks like; the defaults are a good SVID's, but for its name.</summary>
public sealed record SvidShape
{
    /// <summary>URI SANs.</summary>
    public IReadOnlyList<string> Uris { get; init; } = [];

    /// <summary>DNS SANs.</summary>
    public IReadOnlyList<string> DnsNames { get; init; } = [];

    /// <summary>A CA certificate instead of a leaf.</summary>
    public bool IsAuthority { get; init; }

    /// <summary>Null leaves the extension out.</summary>
    public X509KeyUsageFlags? KeyUsage { get; init; } = X509KeyUsageFlags.DigitalSignature;

    /// <summary>Whether key usage is critical.</summary>
    public bool KeyUsageCritical { get; init; } = true;

    /// <summary>serverAuth in the extended key usage.</summary>
    public bool ServerPurpose { get; init; } = true;

    /// <summary>clientAuth in the extended key usage.</summary>
    public bool ClientPurpose { get; init; } = true;

    /// <summary>Default: an hour ago.</summary>
    public DateTimeOffset? NotBefore { get; init; }

    /// <summary>Default: in a day.</summary>
    public DateTimeOffset? NotAfter { get; init; }

    /// <summary>The key of somebody else, who keeps its private half; the certificate then comes without one. Default: a new key.</summary>
    public PublicKey? Key { get; init; }

    /// <summary>Signed by itself instead of the CA.</summary>
    public bool SelfSigned { get; init; }
}
