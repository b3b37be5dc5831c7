using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Identity;

namespace AspireMesh.Host.Identity;

/// <summary>A certificate chain, leaf first, without the root.</summary>
internal sealed record IssuedSvid(ImmutableArray<byte[]> Chain, DateTimeOffset Expires, string Serial);

/// <summary>
/// The mesh's CA. Roots are trusted and kept; below the one that issues stands an intermediate that lives in memory only and signs every SVID,
/// so the root's key is used once per start. Replacing the root takes three steps (<see cref="AddRoot"/>, <see cref="IssueFromNewest"/>,
/// <see cref="DropOldRoots"/>), between which a rotation waits for every sidecar.
/// </summary>
internal sealed class CertificateAuthority
{
    private static readonly TimeSpan IntermediateLifetime = TimeSpan.FromDays(30);

    private readonly TrustDomain _trustDomain;
    private readonly TimeProvider _time;
    private readonly IAuthorityStore? _store;
    private readonly Lock _gate = new();
    private readonly List<X509Certificate2> _roots = [];
    private GivenAuthority? _given;
    private GivenAuthority? _next;
    private X509Certificate2 _issuingRoot;
    private X509Certificate2 _signer;
    private ImmutableArray<X509Certificate2> _above = [];

    /// <param name="trustDomain">The mesh.</param>
    /// <param name="time">The clock.</param>
    /// <param name="store">Keeps it over a restart; null for memory only.</param>
    /// <param name="given">Who signs, where that is no CA of the mesh's own.</param>
    /// <param name="alsoTrusted">Roots that a rotation before the restart had not dropped yet.</param>
    public CertificateAuthority(TrustDomain trustDomain, TimeProvider time, IAuthorityStore? store = null, GivenAuthority? given = null, ImmutableArray<X509Certificate2> alsoTrusted = default)
    {
        (_trustDomain, _time, _store, _given) = (trustDomain, time, store, given);
        if (given is not null)
        {
            _roots.AddRange(alsoTrusted.IsDefault ? [] : alsoTrusted.Where(r => !r.Equals(given.Root)));
            _roots.Add(given.Root);
            (_issuingRoot, _signer, _above) = (given.Root, given.Signer, given.Above);
            Save();
            return;
        }
        _issuingRoot = LoadRoots() ?? CreateRoot();
        _signer = NewIntermediate();
    }

    /// <summary>Whether the CA is not the mesh's own: its roots are not ours to replace.</summary>
    public bool IsGiven { get { lock (_gate) return _given is not null; } }

    /// <summary>The end of a given CA's signing certificate; null for the mesh's own CA, which makes itself a new one in time.</summary>
    public DateTimeOffset? GivenUntil { get { lock (_gate) return _given?.Signer.NotAfter.ToUniversalTime(); } }

    /// <summary>The given CA in force.</summary>
    public GivenAuthority? Given { get { lock (_gate) return _given; } }

    /// <summary>The trusted roots, oldest first.</summary>
    public ImmutableArray<X509Certificate2> Roots { get { lock (_gate) return [.. _roots]; } }

    /// <summary>The root that new SVIDs chain to.</summary>
    public X509Certificate2 IssuingRoot { get { lock (_gate) return _issuingRoot; } }

    /// <summary>The trusted roots as PEM, one certificate each.</summary>
    public ImmutableArray<string> BundlePem => [.. Roots.Select(r => r.ExportCertificatePem() + "\n")];

    /// <summary>Grants a certificate request: only its key is taken, never the names it asks for.</summary>
    /// <exception cref="MeshValidationException">The request is malformed, not signed by its key, or asks for a key that is not allowed.</exception>
    public IssuedSvid Issue(SpiffeId id, string instance, ReadOnlySpan<byte> csr, TimeSpan lifetime) => Sign(id, instance, ReadKey(csr), lifetime, out _);

    /// <summary>The control plane's own SVID, with its key and the certificates to send along.</summary>
    public (X509Certificate2 Leaf, X509Certificate2Collection Above) IssueOwn(SpiffeId id, TimeSpan lifetime)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var issued = Sign(id, "aspiremesh-control-plane", new PublicKey(key), lifetime, out var leaf);
        using (leaf)
        {
            var above = new X509Certificate2Collection();
            foreach (var certificate in issued.Chain.Skip(1)) above.Add(X509CertificateLoader.LoadCertificate(certificate));
            return (leaf.CopyWithPrivateKey(key), above);
        }
    }

    /// <summary>First step of a rotation: a new root is trusted beside the old one; nothing is issued from it yet.</summary>
    /// <param name="next">Who signs afterwards; null for a new root of the mesh's own.</param>
    public void AddRoot(GivenAuthority? next = null)
    {
        lock (_gate)
        {
            Step(() =>
            {
                if (next is null)
                {
                    _roots.Add(CertificateFactory.Root(_trustDomain, _time.GetUtcNow()));
                    return true;
                }
                _next = next;
                if (_roots.Contains(next.Root)) return false;
                _roots.Add(next.Root);
                return true;
            });
        }
    }

    /// <summary>Second step: what is issued from now on chains to the newest root.</summary>
    public void IssueFromNewest()
    {
        lock (_gate)
        {
            Step(() =>
            {
                if (_next is { } next)
                {
                    (_given, _next) = (next, null);
                    (_issuingRoot, _signer, _above) = (_roots.First(r => r.Equals(next.Root)), next.Signer, next.Above);
                }
                else
                {
                    _issuingRoot = _roots[^1];
                    _signer = NewIntermediate();
                }
                return true;
            });
        }
    }

    /// <summary>Third step: only the issuing root stays trusted.</summary>
    public void DropOldRoots()
    {
        lock (_gate)
        {
            Step(() => _roots.RemoveAll(r => r != _issuingRoot) > 0);
        }
    }

    private IssuedSvid Sign(SpiffeId id, string instance, PublicKey key, TimeSpan lifetime, out X509Certificate2 leaf)
    {
        lock (_gate)
        {
            var now = _time.GetUtcNow();
            // An SVID must not outlive its issuer; a control plane that runs for weeks makes itself a new intermediate in time.
            if (_signer != _issuingRoot && _given is null && now + lifetime > _signer.NotAfter) _signer = NewIntermediate();
            if (_signer.NotAfter < now) throw Bad($"'{_signer.Subject}', which signs SVIDs, expired at {_signer.NotAfter.ToUniversalTime():u}, and its issuer has given no other. Sidecars keep the SVIDs they have");
            leaf = CertificateFactory.Svid(id, instance, key, _signer, now, lifetime);
            return new IssuedSvid([leaf.RawData, _signer.RawData, .. _above.Select(c => c.RawData)], leaf.NotAfter.ToUniversalTime(), leaf.SerialNumber);
        }
    }

    private X509Certificate2 NewIntermediate() => CertificateFactory.Intermediate(_trustDomain, _issuingRoot, _time.GetUtcNow(), IntermediateLifetime);

    // What could not be kept is not done either: sidecars would trust, and get SVIDs of, a root that the next start knows nothing of.
    private void Step(Func<bool> change)
    {
        var (roots, given, next, issuing, signer, above) = (_roots.ToArray(), _given, _next, _issuingRoot, _signer, _above);
        try
        {
            if (change()) Save();
        }
        catch
        {
            _roots.Clear();
            _roots.AddRange(roots);
            (_given, _next, _issuingRoot, _signer, _above) = (given, next, issuing, signer, above);
            throw;
        }
    }

    private X509Certificate2 CreateRoot()
    {
        var root = CertificateFactory.Root(_trustDomain, _time.GetUtcNow());
        _roots.Add(root);
        _issuingRoot ??= root; // at the first start
        Save();
        return root;
    }

    private X509Certificate2? LoadRoots()
    {
        if (_store?.Load() is not { } stored) return null;
        X509Certificate2? issuing = null;
        foreach (var kept in stored.Roots)
        {
            // An issuer's, from before this CA was the mesh's own: nothing can be issued from it.
            if (kept.Key.Length == 0) continue;
            var root = ReadRoot(kept);
            if (root.NotAfter < _time.GetUtcNow()) continue;
            _roots.Add(root);
            if (root.Thumbprint == stored.Issuing) issuing = root;
        }
        return issuing ?? _roots.FirstOrDefault();
    }

    private X509Certificate2 ReadRoot(StoredRoot kept)
    {
        try
        {
            var root = X509Certificate2.CreateFromPem(kept.Certificate, kept.Key);
            if (SvidValidator.TryReadId(root, out var id, out _) && id.TrustDomain == _trustDomain) return root;
            throw Bad($"the kept root '{root.Subject}' is not of the trust domain '{_trustDomain}'. Choose another state directory");
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw Bad($"a kept root cannot be read ({e.Message}). Remove the state directory's authority.json to get a new CA");
        }
    }

    private void Save()
    {
        _store?.Save(new StoredAuthority(_issuingRoot.Thumbprint, [.. _roots.Select(r => new StoredRoot(r.ExportCertificatePem(), KeyPem(r)))])
        {
            Signer = _given is null ? null : new StoredSigner(_given.Pem, KeyPem(_given.Signer)),
        });
    }

    private static string KeyPem(X509Certificate2 certificate)
    {
        using AsymmetricAlgorithm? key = certificate.GetECDsaPrivateKey() ?? (AsymmetricAlgorithm?)certificate.GetRSAPrivateKey();
        return key?.ExportPkcs8PrivateKeyPem() ?? "";
    }

    /// <summary>The key that a certificate request is for, once it has proved to hold it.</summary>
    /// <exception cref="MeshValidationException">The request is malformed, not signed by its key, or asks for a key that is not allowed.</exception>
    public static PublicKey ReadKey(ReadOnlySpan<byte> csr)
    {
        try
        {
            var request = CertificateRequest.LoadSigningRequest(csr.ToArray(), HashAlgorithmName.SHA256, CertificateRequestLoadOptions.Default);
            using var key = request.PublicKey.GetECDsaPublicKey() ?? throw BadRequest("its key is not an elliptic curve key");
            if (key.KeySize is not (256 or 384)) throw BadRequest($"its key has {key.KeySize} bits");
            return request.PublicKey;
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw BadRequest($"it cannot be read or its signature is wrong ({e.Message})");
        }
    }

    private static MeshValidationException Bad(string message) => new([MeshDiagnostics.BadCertificateAuthority.Found($"The certificate authority cannot be used: {message}.")]);

    private static MeshValidationException BadRequest(string message) =>
        new([MeshDiagnostics.BadCertificateRequest.Found($"The certificate request cannot be granted: {message}. Send PKCS#10 with an ECDSA P-256 or P-384 key.")]);
}
