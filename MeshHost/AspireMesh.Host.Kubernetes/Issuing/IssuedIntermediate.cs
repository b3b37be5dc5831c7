using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using AspireMesh.Host.Identity;
using AspireMesh.Protocol.Identity;

namespace AspireMesh.Host.Kubernetes.Issuing;

/// <summary>What an issuer answered: looked at before anything is issued from it, because a sidecar would find out only when its peers refuse it.</summary>
internal static class IssuedIntermediate
{
    /// <summary>An answer as a CA; null with the reason where it is none for this mesh.</summary>
    /// <param name="chain">PEM: the intermediate first, then those above it, with or without the root.</param>
    /// <param name="ca">PEM: the issuer's root, where the issuer knows it.</param>
    /// <param name="key">The key that the request was for.</param>
    /// <param name="trustDomain">The mesh.</param>
    /// <param name="now">The time it has to be valid at.</param>
    /// <param name="error">Half a sentence.</param>
    public static GivenAuthority? Read(string chain, string ca, ECDsa key, TrustDomain trustDomain, DateTimeOffset now, out string error)
    {
        try
        {
            var (certificates, roots) = (Parse(chain), Parse(ca));
            error = "it holds no certificate";
            if (certificates.Count == 0) return null;
            using var bare = certificates[0];
            var root = roots.Concat(certificates.Skip(1)).FirstOrDefault(IsRoot);
            if (root is null)
            {
                error = "it names no root. Use an issuer that fills status.ca with its root (CA and Vault issuers do)";
                return null;
            }
            error = CheckSigner(bare, key, now) ?? "";
            if (error.Length > 0) return null;
            // Those between, once each; an issuer may repeat them in both fields.
            ImmutableArray<X509Certificate2> above = [.. certificates.Skip(1).Concat(roots).Where(c => !IsRoot(c)).DistinctBy(c => c.Thumbprint)];
            var given = new GivenAuthority(bare.CopyWithPrivateKey(key), above, root);
            error = TryOut(given, trustDomain, now) ?? "";
            return error.Length == 0 ? given : null;
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            error = $"it cannot be read: {e.Message}";
            return null;
        }
    }

    private static string? CheckSigner(X509Certificate2 signer, ECDsa key, DateTimeOffset now)
    {
        if (!signer.PublicKey.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(key.ExportSubjectPublicKeyInfo())) return "it is for another key than the request's";
        if (signer.Extensions.OfType<X509BasicConstraintsExtension>().FirstOrDefault() is not { CertificateAuthority: true }) return "it is no CA certificate. The issuer has to honour isCA";
        var usage = signer.Extensions.OfType<X509KeyUsageExtension>().FirstOrDefault();
        if (usage is not null && (usage.KeyUsages & X509KeyUsageFlags.KeyCertSign) == 0) return "it may not sign certificates";
        return signer.NotAfter.ToUniversalTime() <= now.UtcDateTime ? $"it expired at {signer.NotAfter.ToUniversalTime():u}" : null;
    }

    // Path lengths, name constraints and whatever else a chain may have: an SVID is issued from it and judged as a peer would.
    private static string? TryOut(GivenAuthority given, TrustDomain trustDomain, DateTimeOffset now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var id = SpiffeId.ForWorkload(trustDomain, "default", "trial");
        using var svid = CertificateFactory.Svid(id, "trial", new PublicKey(key), given.Signer, now, TimeSpan.FromMinutes(5));
        return SvidValidator.TryValidate(svid, [given.Signer, .. given.Above], [given.Root], trustDomain, now, out _, out var error) ? null : $"an SVID issued from it would be refused: {error}";
    }

    private static X509Certificate2Collection Parse(string pem)
    {
        var certificates = new X509Certificate2Collection();
        certificates.ImportFromPem(pem);
        return certificates;
    }

    private static bool IsRoot(X509Certificate2 certificate) => certificate.SubjectName.RawData.AsSpan().SequenceEqual(certificate.IssuerName.RawData);
}
