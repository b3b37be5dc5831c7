using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using AspireMesh.Protocol.Identity;

namespace AspireMesh.Host.Identity;

/// <summary>Makes the three kinds of certificate a mesh has: root, intermediate and SVID (X509-SVID sections 2 to 5).</summary>
internal static class CertificateFactory
{
    /// <summary>How far certificates are dated back, so that a peer whose clock is a little behind accepts them.</summary>
    public static readonly TimeSpan Backdating = TimeSpan.FromSeconds(30);

    /// <summary>How long a root lives.</summary>
    public static readonly TimeSpan RootLifetime = TimeSpan.FromDays(5 * 365);

    private static readonly Oid ServerAuthentication = new("1.3.6.1.5.5.7.3.1");
    private static readonly Oid ClientAuthentication = new("1.3.6.1.5.5.7.3.2");

    public static X509Certificate2 Root(TrustDomain trustDomain, DateTimeOffset now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        // The random part keeps two roots of one mesh apart by name: chain building matches issuers by name first.
        var request = Request($"CN=AspireMesh root {Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}, O={trustDomain.Name}", key);
        AddAuthority(request, trustDomain, pathLength: null);
        return request.CreateSelfSigned(now - Backdating, now + RootLifetime);
    }

    public static X509Certificate2 Intermediate(TrustDomain trustDomain, X509Certificate2 issuer, DateTimeOffset now, TimeSpan lifetime)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = Sign(IntermediateRequest(trustDomain, key), issuer, now, lifetime);
        return certificate.CopyWithPrivateKey(key);
    }

    /// <summary>What an issuer, ours or another, is asked to sign.</summary>
    public static CertificateRequest IntermediateRequest(TrustDomain trustDomain, ECDsa key)
    {
        var request = Request($"CN=AspireMesh intermediate {Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}, O={trustDomain.Name}", key);
        AddAuthority(request, trustDomain, pathLength: 0);
        return request;
    }

    public static X509Certificate2 Svid(SpiffeId id, string instance, PublicKey key, X509Certificate2 issuer, DateTimeOffset now, TimeSpan lifetime)
    {
        var name = new X500DistinguishedNameBuilder();
        name.AddCommonName(CommonName(instance));
        var request = new CertificateRequest(name.Build(), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([ServerAuthentication, ClientAuthentication], false));
        AddUri(request, id.ToString());
        return Sign(request, issuer, now, lifetime);
    }

    /// <summary>
    /// What a certificate calls a sidecar: its name or, where that is longer than the 64 characters a common name may have, its beginning and a hash, which still tells replicas apart.
    /// </summary>
    public static string CommonName(string instance) => instance.Length <= 64
        ? instance
        : $"{instance[..47]}-{Convert.ToHexStringLower(SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(instance)))[..16]}";

    private static CertificateRequest Request(string subject, ECDsa key) => new(new X500DistinguishedName(subject), key, HashAlgorithmName.SHA256);

    private static void AddAuthority(CertificateRequest request, TrustDomain trustDomain, int? pathLength)
    {
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, pathLength is not null, pathLength ?? 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        // A signing authority's id is the trust domain alone, without a path, so that it can never pass for a workload (X509-SVID section 3).
        AddUri(request, $"spiffe://{trustDomain.Name}");
    }

    // Written by hand: System.Uri would give "spiffe://shop.mesh" a trailing slash, which the SPIFFE-ID specification forbids.
    private static void AddUri(CertificateRequest request, string uri)
    {
        var names = new AsnWriter(AsnEncodingRules.DER);
        using (names.PushSequence())
        {
            names.WriteCharacterString(UniversalTagNumber.IA5String, uri, new Asn1Tag(TagClass.ContextSpecific, 6));
        }
        request.CertificateExtensions.Add(new X509Extension("2.5.29.17", names.Encode(), false));
    }

    private static X509Certificate2 Sign(CertificateRequest request, X509Certificate2 issuer, DateTimeOffset now, TimeSpan lifetime)
    {
        var hasKeyId = issuer.Extensions.Any(e => e is X509SubjectKeyIdentifierExtension);
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(issuer, hasKeyId, !hasKeyId));
        var from = Later(now - Backdating, issuer.NotBefore);
        var to = Earlier(now + lifetime, issuer.NotAfter);
        var serial = RandomNumberGenerator.GetBytes(16);
        serial[0] &= 0x7f;
        return request.Create(issuer.SubjectName, Signer(issuer), from, to, serial);
    }

    private static X509SignatureGenerator Signer(X509Certificate2 issuer) =>
        issuer.GetECDsaPrivateKey() is { } curve
            ? X509SignatureGenerator.CreateForECDsa(curve)
            : X509SignatureGenerator.CreateForRSA(issuer.GetRSAPrivateKey()!, RSASignaturePadding.Pkcs1);

    private static DateTimeOffset Later(DateTimeOffset a, DateTimeOffset b) => a > b ? a : b;

    private static DateTimeOffset Earlier(DateTimeOffset a, DateTimeOffset b) => a < b ? a : b;
}
