using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using AspireMesh.Protocol.Diagnostics;

namespace AspireMesh.Host.Identity;

/// <summary>A CA that is not the mesh's own, given as files or by a cluster's issuer: the certificate that signs SVIDs, those between it and the root, and the root.</summary>
internal sealed record GivenAuthority(X509Certificate2 Signer, ImmutableArray<X509Certificate2> Above, X509Certificate2 Root)
{
    /// <summary>The certificates as PEM, the signing one first, the root last.</summary>
    public string Pem => string.Concat(new[] { Signer }.Concat(Above).Append(Root).Select(c => c.ExportCertificatePem() + "\n"));

    /// <summary>Reads the files; reports everything that is wrong with them at once.</summary>
    /// <exception cref="MeshValidationException">The files cannot be used.</exception>
    public static GivenAuthority Load(string certificateFile, string? keyFile, TimeProvider time)
    {
        var problems = ImmutableArray.CreateBuilder<MeshProblem>();
        void Add(string found, string next) =>
            problems.Add(MeshDiagnostics.BadCertificateAuthority.Found($"The certificate authority in '{certificateFile}' cannot be used: {found}. {next}"));

        var chain = new X509Certificate2Collection();
        X509Certificate2? signer = null;
        try
        {
            chain.ImportFromPemFile(certificateFile);
            signer = X509Certificate2.CreateFromPemFile(certificateFile, keyFile);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException or IOException or UnauthorizedAccessException)
        {
            Add(e.Message, "Give PEM files with the certificates (signing one first) and the unencrypted key of the first.");
        }
        if (chain.Count > 0)
        {
            CheckSigner(chain[0], time.GetUtcNow(), Add);
            if (!IsSelfSigned(chain[^1])) Add($"its last certificate '{chain[^1].Subject}' is not a root", "Append the certificates above it, up to the root.");
            else if (problems.Count == 0) CheckChain(chain, time.GetUtcNow(), Add);
        }
        if (problems.Count > 0) throw new MeshValidationException(problems.ToImmutable());
        // The root itself is not sent along: peers have it in their bundle.
        var above = chain.Count <= 2 ? [] : chain.Skip(1).SkipLast(1).ToImmutableArray();
        return new GivenAuthority(signer!, above, chain[^1]);
    }

    private static void CheckSigner(X509Certificate2 signer, DateTimeOffset now, Action<string, string> add)
    {
        var constraints = signer.Extensions.OfType<X509BasicConstraintsExtension>().FirstOrDefault();
        if (constraints is not { CertificateAuthority: true }) add($"'{signer.Subject}' is not a CA certificate", "Give one with basicConstraints CA:TRUE.");
        var usage = signer.Extensions.OfType<X509KeyUsageExtension>().FirstOrDefault();
        if (usage is not null && (usage.KeyUsages & X509KeyUsageFlags.KeyCertSign) == 0) add($"'{signer.Subject}' may not sign certificates", "Give one with keyUsage keyCertSign.");
        if (signer.NotAfter < now) add($"'{signer.Subject}' expired at {signer.NotAfter.ToUniversalTime():u}", "Give one that is valid.");
        if (signer.PublicKey.GetECDsaPublicKey() is null && signer.PublicKey.GetRSAPublicKey() is null) add($"'{signer.Subject}' has neither an ECDSA nor an RSA key", "Give one that has.");
    }

    // As sidecars will do it: what does not chain here would be refused by every one of them, one handshake at a time.
    private static void CheckChain(X509Certificate2Collection given, DateTimeOffset now, Action<string, string> add)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(given[^1]);
        chain.ChainPolicy.ExtraStore.AddRange(given);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.VerificationTime = now.LocalDateTime;
        if (chain.Build(given[0])) return;
        var reasons = string.Join(", ", chain.ChainStatus.Select(s => s.Status).Distinct());
        add($"'{given[0].Subject}' does not chain to its root '{given[^1].Subject}' ({reasons})", "Give the certificates that signed it, in order, the root last.");
    }

    private static bool IsSelfSigned(X509Certificate2 certificate) => certificate.SubjectName.RawData.AsSpan().SequenceEqual(certificate.IssuerName.RawData);
}
