using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace AspireMesh.Proxy.Tls;

/// <summary>The roots in force: a snapshot's, or the SVID source's until a snapshot names some. An empty bundle trusts nobody.</summary>
internal sealed class TrustBundle(ISvidSource svids)
{
    private volatile X509Certificate2Collection? _fromSnapshot;
    private ImmutableArray<string> _pem = [];

    public X509Certificate2Collection Roots => _fromSnapshot ?? svids.Current?.Roots ?? [];

    /// <summary>Puts a snapshot's bundle in force; true when the set of roots changed.</summary>
    public bool Replace(ImmutableArray<string> pem)
    {
        if (pem.IsDefaultOrEmpty || (_fromSnapshot is not null && pem.SequenceEqual(_pem))) return false;
        var roots = new X509Certificate2Collection();
        foreach (var root in pem) roots.ImportFromPem(root);
        _pem = pem;
        _fromSnapshot = roots;
        return true;
    }

    /// <summary>Says what is wrong with a PEM text that should hold certificates; null when nothing is.</summary>
    public static string? Check(string pem)
    {
        try
        {
            var parsed = new X509Certificate2Collection();
            parsed.ImportFromPem(pem);
            return parsed.Count == 0 ? "the trust bundle has an entry without a certificate" : null;
        }
        catch (CryptographicException e)
        {
            return $"the trust bundle has an entry that is no certificate: {e.Message}";
        }
    }
}
