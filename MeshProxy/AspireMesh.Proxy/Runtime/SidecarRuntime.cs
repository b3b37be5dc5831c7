using System.Collections.Frozen;
using System.Net.Security;
using AspireMesh.Protocol.Identity;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Egress;
using AspireMesh.Proxy.Inbound.Authorization;
using AspireMesh.Proxy.Tls;

namespace AspireMesh.Proxy.Runtime;

/// <summary>
/// One snapshot, compiled: immutable and swapped whole, so that a request or connection which takes it once sees one consistent world.
/// </summary>
internal sealed class SidecarRuntime
{
    private SidecarRuntime(MeshSnapshot snapshot, SpiffeId identity, ITrafficRules rules)
    {
        Snapshot = snapshot;
        Identity = identity;
        Rules = rules;
        Outbound = snapshot.Outbound.ToFrozenDictionary(l => l.Name, StringComparer.Ordinal);
        Intercepted = snapshot.Outbound.SelectMany(l => l.Addresses.Select(a => (Address: a, Listener: l))).DistinctBy(i => i.Address).ToFrozenDictionary(i => i.Address, i => i.Listener, StringComparer.Ordinal);
        Clusters = snapshot.Clusters.ToFrozenDictionary(c => c.Name, StringComparer.Ordinal);
        Inbound = snapshot.Inbound.Endpoints.ToFrozenDictionary(e => e.Name, StringComparer.Ordinal);
        Authorization = snapshot.Inbound.Endpoints.ToFrozenDictionary(e => e.Name, e => new AuthorizationRules(e.Authorization, e.Name, e.AuditOnly, snapshot.Mtls != MtlsMode.Strict), StringComparer.Ordinal);
        GatewayCertificates = snapshot.Gateways.Where(g => g.CertificatePem is not null).ToFrozenDictionary(g => g.Name, g => GatewayCertificate.Read(g.CertificatePem!), StringComparer.Ordinal);
        Egress = snapshot.Egress is null ? null : new EgressRules(snapshot.Egress);
        Gateways = snapshot.Gateways.ToFrozenDictionary(g => g.Name, StringComparer.Ordinal);
    }

    public MeshSnapshot Snapshot { get; }

    /// <summary>This sidecar's own.</summary>
    public SpiffeId Identity { get; }

    /// <summary>The policies' part.</summary>
    public ITrafficRules Rules { get; }

    public FrozenDictionary<string, OutboundListener> Outbound { get; }

    /// <summary>Listeners by the addresses that an app dials for them where its connections are intercepted.</summary>
    public FrozenDictionary<string, OutboundListener> Intercepted { get; }

    public FrozenDictionary<string, ClusterSnapshot> Clusters { get; }

    public FrozenDictionary<string, InboundEndpoint> Inbound { get; }

    /// <summary>The authorization rules by inbound endpoint.</summary>
    public FrozenDictionary<string, AuthorizationRules> Authorization { get; }

    public FrozenDictionary<string, GatewayListener> Gateways { get; }

    /// <summary>Who may be called outside the mesh; null where egress is not watched.</summary>
    public EgressRules? Egress { get; }

    /// <summary>What gateways that speak TLS present, by gateway.</summary>
    public FrozenDictionary<string, SslStreamCertificateContext> GatewayCertificates { get; }

    /// <summary>Compiles what <see cref="SnapshotChecks"/> let pass.</summary>
    public static SidecarRuntime Create(MeshSnapshot snapshot, ITrafficRules rules) => new(snapshot, SpiffeId.Parse(snapshot.Identity), rules);
}
