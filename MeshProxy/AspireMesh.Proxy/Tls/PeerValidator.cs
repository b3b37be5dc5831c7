using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography.X509Certificates;
using AspireMesh.Protocol.Identity;

namespace AspireMesh.Proxy.Tls;

/// <summary>The one place where a sidecar decides who a peer is; used on both ends of every connection inside the mesh.</summary>
internal sealed class PeerValidator(TrustDomain trustDomain, TrustBundle bundle, TimeProvider time)
{
    /// <summary>Checks what a peer presented against the bundle in force.</summary>
    /// <param name="certificate">The peer's leaf.</param>
    /// <param name="chain">As SslStream built it; only the certificates the peer sent along are taken from it.</param>
    /// <param name="skew">How far ahead of the clock it is judged: a fault's.</param>
    /// <param name="id">Who it is.</param>
    /// <param name="error">Which rule it breaks.</param>
    public bool TryValidate(X509Certificate? certificate, X509Chain? chain, TimeSpan skew, [NotNullWhen(true)] out SpiffeId? id, [NotNullWhen(false)] out string? error) =>
        SvidValidator.TryValidate(certificate as X509Certificate2, chain?.ChainPolicy.ExtraStore ?? [], bundle.Roots, trustDomain, time.GetUtcNow() + skew, out id, out error);
}
