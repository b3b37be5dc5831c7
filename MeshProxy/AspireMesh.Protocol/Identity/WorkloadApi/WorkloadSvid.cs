using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Google.Protobuf;

namespace AspireMesh.Protocol.Identity.WorkloadApi;

/// <summary>An X509-SVID with its key and the roots it is to be checked against, as a Workload API gave it and the validator let it pass.</summary>
/// <param name="Leaf">With its private key.</param>
/// <param name="Intermediates">Sent along in handshakes.</param>
/// <param name="Roots">The bundle of its trust domain.</param>
public sealed record WorkloadSvid(X509Certificate2 Leaf, X509Certificate2Collection Intermediates, X509Certificate2Collection Roots)
{
    /// <summary>
    /// Takes from an answer the SVID with the expected id: a process may be several workloads (all sidecars of one process, for example). It is checked by the
    /// validator that also judges peers; what a peer would refuse is not put in use here.
    /// </summary>
    /// <param name="response">The answer.</param>
    /// <param name="expected">Who this is to be.</param>
    /// <param name="now">The time it has to be valid at.</param>
    /// <exception cref="NotAnSvidException">There is none with that id, or it cannot be used.</exception>
    public static WorkloadSvid Take(X509SVIDResponse response, SpiffeId expected, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(response);
        ArgumentNullException.ThrowIfNull(expected);
        var given = response.Svids.FirstOrDefault(s => s.SpiffeId == expected.ToString()) ?? throw new NotAnSvidException(response.Svids.Count == 0
            ? $"it gave no SVID; '{expected}' is needed"
            : $"it gave {string.Join(", ", response.Svids.Select(s => $"'{s.SpiffeId}'"))}; '{expected}' is needed");
        try
        {
            var (chain, roots) = (Split(given.X509Svid), Split(given.Bundle));
            if (chain.Count == 0) throw new NotAnSvidException("its answer holds no certificate");
            using var bare = chain[0];
            chain.RemoveAt(0);
            if (!SvidValidator.TryValidate(bare, chain, roots, expected.TrustDomain, now, out var id, out var error)) throw new NotAnSvidException(error);
            if (id != expected) throw new NotAnSvidException($"the certificate is for '{id}', not for '{expected}'");
            return new WorkloadSvid(WithKey(bare, given.X509SvidKey.Span), chain, roots);
        }
        catch (Exception e) when (e is CryptographicException or AsnContentException or ArgumentException)
        {
            throw new NotAnSvidException($"its answer cannot be read: {e.Message}", e);
        }
    }

    private static X509Certificate2Collection Split(ByteString certificates)
    {
        var all = new X509Certificate2Collection();
        for (var rest = certificates.Memory; !rest.IsEmpty;)
        {
            AsnDecoder.ReadEncodedValue(rest.Span, AsnEncodingRules.DER, out _, out _, out var length);
            all.Add(X509CertificateLoader.LoadCertificate(rest.Span[..length]));
            rest = rest[length..];
        }
        return all;
    }

    private static X509Certificate2 WithKey(X509Certificate2 bare, ReadOnlySpan<byte> pkcs8)
    {
        if (bare.PublicKey.Oid.Value == "1.2.840.113549.1.1.1")
        {
            using var rsa = RSA.Create();
            rsa.ImportPkcs8PrivateKey(pkcs8, out _);
            return bare.CopyWithPrivateKey(rsa);
        }
        using var key = ECDsa.Create();
        key.ImportPkcs8PrivateKey(pkcs8, out _);
        return bare.CopyWithPrivateKey(key);
    }
}

/// <summary>What a Workload API gave is no SVID that can be used; the message is half a sentence.</summary>
public sealed class NotAnSvidException : Exception
{
    /// <summary>Says why.</summary>
    public NotAnSvidException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
