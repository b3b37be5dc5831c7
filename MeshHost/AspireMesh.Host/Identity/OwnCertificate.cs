using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Identity;

namespace AspireMesh.Host.Identity;

/// <summary>The control plane's own SVID for its port: renewed when half of its life is over or when another root issues.</summary>
internal sealed class OwnCertificate(CertificateAuthority authority, SpiffeId id, TimeProvider time)
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromHours(24);

    private readonly Lock _gate = new();
    private SslStreamCertificateContext? _context;
    private X509Certificate2? _root;
    private DateTimeOffset _renewAt;

    public SslStreamCertificateContext Current
    {
        get
        {
            lock (_gate)
            {
                var now = time.GetUtcNow();
                var root = authority.IssuingRoot;
                if (_context is null || now >= _renewAt || !ReferenceEquals(root, _root))
                {
                    if (TryIssue() is not var (leaf, above)) return _context!;
                    // SChannel cannot use a key that exists in memory only.
                    if (OperatingSystem.IsWindows()) leaf = X509CertificateLoader.LoadPkcs12(leaf.Export(X509ContentType.Pfx), null);
                    _context = SslStreamCertificateContext.Create(leaf, above, offline: true);
                    // An issuer that ends sooner cuts its life short.
                    (_root, _renewAt) = (root, now + ((leaf.NotAfter.ToUniversalTime() - now.UtcDateTime) / 2));
                }
                return _context;
            }
        }
    }

    // Below a CA that has expired nothing can be issued. Who is shown the certificate from before says that it has expired; a broken handshake would say nothing.
    private (X509Certificate2 Leaf, X509Certificate2Collection Above)? TryIssue()
    {
        try
        {
            return authority.IssueOwn(id, Lifetime);
        }
        catch (MeshValidationException) when (_context is not null)
        {
            return null;
        }
    }
}
