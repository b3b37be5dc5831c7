using System.Collections.Immutable;
using System.Security.Cryptography.X509Certificates;
using AspireMesh.Host.Identity;
using AspireMesh.Host.Registry;
using AspireMesh.Protocol.Admin;
using AspireMesh.Protocol.Identity;

namespace AspireMesh.Host.Admin;

/// <summary>Roots, SVIDs and joins.</summary>
internal static class CertificatesReport
{
    public static CertificatesView Of(SidecarRegistry registry, ImmutableArray<X509Certificate2> roots, CertificateAuthority? authority, JoinTokens tokens, ControlPlaneOptions options, string? rotation)
    {
        var issuing = authority?.IssuingRoot;
        var trustDomain = TrustDomain.Parse(options.TrustDomain);
        return new CertificatesView
        {
            TrustDomain = trustDomain.Name,
            Given = authority?.IsGiven != false,
            WorkloadApi = options.WorkloadApi,
            Rotation = rotation,
            Roots = [.. roots.Select(r => new RootView
            {
                Subject = r.Subject,
                Fingerprint = Fingerprint.Of(r),
                Expires = r.NotAfter.ToUniversalTime(),
                Issuing = r.Equals(issuing),
                Pem = r.ExportCertificatePem(),
            })],
            Svids = registry.Read(sidecars => sidecars.Values.OrderBy(s => s.Instance, StringComparer.Ordinal).Select(s => new SvidView
            {
                Instance = s.Instance,
                Identity = SpiffeId.ForWorkload(trustDomain, options.Namespace, s.Workload).ToString(),
                Expires = s.SvidReported ?? s.SvidExpires,
                Root = s.SvidRoot,
            }).ToImmutableArray()),
            Joins = tokens.Counts.ToImmutableDictionary(c => char.ToLowerInvariant(c.Key.ToString()[0]) + c.Key.ToString()[1..], c => c.Value),
        };
    }
}
