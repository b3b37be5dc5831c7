using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using AspireMesh.Protocol.Identity;

namespace AspireMesh.Proxy.Tls;

/// <summary>One X509-SVID with its key, and the roots that came with it.</summary>
internal sealed class Svid
{
    /// <param name="leaf">With its private key.</param>
    /// <param name="intermediates">Sent along in handshakes.</param>
    /// <param name="roots">The trust bundle as of the issuing; a snapshot's bundle, once there is one, takes its place.</param>
    /// <exception cref="FormatException">The leaf does not carry exactly one SPIFFE ID.</exception>
    public Svid(X509Certificate2 leaf, X509Certificate2Collection intermediates, X509Certificate2Collection roots)
    {
        if (!SvidValidator.TryReadId(leaf, out var id, out var error)) throw new FormatException($"the SVID that was issued cannot be used: {error}");
        Leaf = leaf;
        Intermediates = intermediates;
        Roots = roots;
        Id = id;
        // Offline: the chain is exactly what was issued; building must never go to the network for missing issuers.
        Context = SslStreamCertificateContext.Create(leaf, intermediates, offline: true);
    }

    public X509Certificate2 Leaf { get; }

    public X509Certificate2Collection Intermediates { get; }

    public X509Certificate2Collection Roots { get; }

    public SpiffeId Id { get; }

    /// <summary>What both ends of a handshake present.</summary>
    public SslStreamCertificateContext Context { get; }

    public DateTimeOffset Expires => Leaf.NotAfter.ToUniversalTime();
}
