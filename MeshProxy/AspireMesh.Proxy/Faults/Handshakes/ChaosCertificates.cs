using System.Formats.Asn1;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using AspireMesh.Protocol.Identity;

namespace AspireMesh.Proxy.Faults.Handshakes;

/// <summary>
/// Wrong certificates, made here by an issuer that nobody trusts: no CA of a mesh ever signs one. A peer checks the names, the trust domain and the dates
/// of a leaf before its chain, so what refuses each of them is the very rule the fault is about, and were that rule missing the chain would still refuse.
/// </summary>
internal sealed class ChaosCertificates(SpiffeId own, TimeProvider time)
{
    private const string SubjectAlternativeName = "2.5.29.17";

    private readonly Lazy<X509Certificate2> _issuer = new(() => MakeIssuer(time.GetUtcNow()));

    /// <summary>The identity that a good certificate would carry.</summary>
    public SpiffeId Own => own;

    public DateTimeOffset Now => time.GetUtcNow();

    /// <summary>A leaf that is an SVID but for what the arguments say, ready to be presented.</summary>
    public SslStreamCertificateContext Make(IReadOnlyList<string> uris, DateTimeOffset from, DateTimeOffset to)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=a fault of AspireMesh", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1"), new Oid("1.3.6.1.5.5.7.3.2")], false));
        request.CertificateExtensions.Add(Names(uris));
        using var signed = request.Create(_issuer.Value, from, to, RandomNumberGenerator.GetBytes(8));
        return SslStreamCertificateContext.Create(signed.CopyWithPrivateKey(key), [], offline: true);
    }

    private static X509Extension Names(IReadOnlyList<string> uris)
    {
        var names = new AsnWriter(AsnEncodingRules.DER);
        using (names.PushSequence())
        {
            foreach (var uri in uris) names.WriteCharacterString(UniversalTagNumber.IA5String, uri, new Asn1Tag(TagClass.ContextSpecific, 6));
        }

        return new X509Extension(SubjectAlternativeName, names.Encode(), false);
    }

    private static X509Certificate2 MakeIssuer(DateTimeOffset now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=faults of AspireMesh trusted by nobody", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        return request.CreateSelfSigned(now.AddDays(-30), now.AddDays(30));
    }
}
