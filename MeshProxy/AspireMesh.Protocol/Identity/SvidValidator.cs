using System.Diagnostics.CodeAnalysis;
using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace AspireMesh.Protocol.Identity;

/// <summary>
/// The X509-SVID rules (SPIFFE X509-SVID sections 2 to 5), used wherever a certificate of a peer is looked at: by both ends of a tunnel, by the
/// sidecar towards the control plane and by the control plane towards a sidecar. Fails closed: what cannot be read is refused with the reason.
/// </summary>
public static class SvidValidator
{
    private const string SubjectAlternativeName = "2.5.29.17";
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";
    private static readonly Asn1Tag UriName = new(TagClass.ContextSpecific, 6);

    /// <summary>Checks a peer's certificate: leaf rules, trust domain, chain to a trusted root, validity.</summary>
    /// <param name="leaf">What the peer presented.</param>
    /// <param name="intermediates">What it sent along.</param>
    /// <param name="roots">The trust bundle; nothing else is trusted.</param>
    /// <param name="trustDomain">The mesh's own; any other is refused.</param>
    /// <param name="now">The time the certificate has to be valid at.</param>
    /// <param name="id">The peer's identity when it is accepted.</param>
    /// <param name="error">The rule it breaks otherwise.</param>
    public static bool TryValidate(
        X509Certificate2? leaf,
        X509Certificate2Collection intermediates,
        X509Certificate2Collection roots,
        TrustDomain trustDomain,
        DateTimeOffset now,
        [NotNullWhen(true)] out SpiffeId? id,
        [NotNullWhen(false)] out string? error)
    {
        id = null;
        error = null;
        if (leaf is null)
        {
            error = "no certificate was presented";
            return false;
        }
        try
        {
            if (!TryReadId(leaf, out var found, out error)) return false;
            error = CheckDomain(found, trustDomain) ?? CheckLeaf(leaf) ?? CheckValidity(leaf, now) ?? CheckChain(leaf, intermediates, roots, now);
            if (error is not null) return false;
            id = found;
            return true;
        }
        catch (Exception e) when (e is CryptographicException or AsnContentException)
        {
            error = $"the certificate cannot be read: {e.Message}";
            return false;
        }
    }

    /// <summary>Reads the one URI SAN of a certificate; says what is wrong when there is none, several, or one that is no SPIFFE ID.</summary>
    public static bool TryReadId(X509Certificate2 certificate, [NotNullWhen(true)] out SpiffeId? id, [NotNullWhen(false)] out string? error)
    {
        id = null;
        try
        {
            var uris = ReadUris(certificate);
            if (uris.Count == 1) return SpiffeId.TryParse(uris[0], out id, out error);
            error = uris.Count == 0 ? "the certificate has no URI SAN" : $"the certificate has {uris.Count} URI SANs; exactly one is allowed";
            return false;
        }
        catch (Exception e) when (e is CryptographicException or AsnContentException)
        {
            error = $"the certificate's names cannot be read: {e.Message}";
            return false;
        }
    }

    private static List<string> ReadUris(X509Certificate2 certificate)
    {
        var uris = new List<string>();
        foreach (var extension in certificate.Extensions)
        {
            if (extension.Oid?.Value != SubjectAlternativeName) continue;
            var names = new AsnReader(extension.RawData, AsnEncodingRules.DER).ReadSequence();
            while (names.HasData)
            {
                if (names.PeekTag().HasSameClassAndValue(UriName)) uris.Add(names.ReadCharacterString(UniversalTagNumber.IA5String, UriName));
                else names.ReadEncodedValue();
            }
        }
        return uris;
    }

    private static string? CheckDomain(SpiffeId id, TrustDomain trustDomain)
    {
        if (id.TrustDomain != trustDomain) return $"'{id}' belongs to the trust domain '{id.TrustDomain}', not to '{trustDomain}'";
        return id.Path.Length == 0 ? $"'{id}' has no path: it names a signing authority, which never authenticates" : null;
    }

    private static string? CheckLeaf(X509Certificate2 leaf)
    {
        X509KeyUsageExtension? usage = null;
        foreach (var extension in leaf.Extensions)
        {
            switch (extension)
            {
                case X509BasicConstraintsExtension { CertificateAuthority: true }:
                    return "the certificate is a CA certificate; a leaf is required";
                case X509KeyUsageExtension found:
                    usage = found;
                    break;
                case X509EnhancedKeyUsageExtension purposes when CheckPurposes(purposes) is { } problem:
                    return problem;
            }
        }
        if (usage is null) return "the certificate has no key usage";
        if (!usage.Critical) return "the certificate's key usage is not critical";
        if ((usage.KeyUsages & (X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign)) != 0) return "the certificate may sign certificates or revocation lists; a leaf must not";
        return (usage.KeyUsages & X509KeyUsageFlags.DigitalSignature) == 0 ? "the certificate's key usage lacks digitalSignature" : null;
    }

    private static string? CheckPurposes(X509EnhancedKeyUsageExtension purposes)
    {
        bool server = false, client = false;
        foreach (var purpose in purposes.EnhancedKeyUsages)
        {
            server |= purpose.Value == ServerAuthentication;
            client |= purpose.Value == ClientAuthentication;
        }
        return server && client ? null : "the certificate's extended key usage lacks serverAuth or clientAuth; both are required";
    }

    private static string? CheckValidity(X509Certificate2 leaf, DateTimeOffset now)
    {
        if (now < leaf.NotBefore) return $"the certificate is not valid before {leaf.NotBefore.ToUniversalTime():u}; it is {now.UtcDateTime:u}";
        return now > leaf.NotAfter ? $"the certificate expired at {leaf.NotAfter.ToUniversalTime():u}; it is {now.UtcDateTime:u}" : null;
    }

    private static string? CheckChain(X509Certificate2 leaf, X509Certificate2Collection intermediates, X509Certificate2Collection roots, DateTimeOffset now)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(roots);
        chain.ChainPolicy.ExtraStore.AddRange(intermediates);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.VerificationTime = now.LocalDateTime;
        if (chain.Build(leaf))
        {
            return null;
        }
        var reasons = string.Join(", ", chain.ChainStatus.Select(s => s.Status).Distinct());
        return $"the certificate does not chain to a trusted root of this mesh ({reasons})";
    }
}
