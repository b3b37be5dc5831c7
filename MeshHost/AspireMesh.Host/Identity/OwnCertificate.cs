using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
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
                    var (leaf, above) = authority.IssueOwn(id, Lifetime);
                    // SChannel cannot use a key that exists in memory only.
                    if (OperatingSystem.IsWindows()) leaf = X509CertificateLoader.LoadPkcs12(leaf.Export(X509ContentType.Pfx), null);
                    _context = SslStreamCertificateContext.Create(leaf, above, offline: true);
                    (_root, _renewAt) = (root, now + Lifetime / 2);
                }
                return _context;
            }
        }
    }
}
