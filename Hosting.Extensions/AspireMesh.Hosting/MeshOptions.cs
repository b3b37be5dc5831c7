using AspireMesh.Protocol.Model;

namespace AspireMesh.Hosting;

/// <summary>How the mesh of one AppHost runs. What it does with traffic is said on resources and edges.</summary>
public sealed class MeshOptions
{
    /// <summary>The trust domain. Default: the AppHost's name with a hash of its folder, so that two AppHosts of one user refuse each other.</summary>
    public string? TrustDomain { get; set; }

    /// <summary>Whether inbound listeners take plaintext. Default <see cref="MtlsMode.Strict"/>.</summary>
    public MtlsMode Mtls { get; set; } = MtlsMode.Strict;

    /// <summary>Whether inbound listeners take TLS 1.2 from peers that are no sidecars of ours (TLS 1.2 shows their certificates to whoever listens). Default false: TLS 1.3 only.</summary>
    public bool AllowTls12 { get; set; }

    /// <summary>How sidecars run. Default: the configuration key <c>Mesh:SidecarHosting</c>, else <see cref="SidecarHosting.PerWorkload"/> where an ahead-of-time proxy is found, else <see cref="SidecarHosting.Shared"/>.</summary>
    public SidecarHosting? SidecarHosting { get; set; }

    /// <summary>Where the control plane runs. Default: the configuration key <c>Mesh:ControlPlane</c>, else <see cref="ControlPlaneHosting.AppHost"/>.</summary>
    public ControlPlaneHosting? ControlPlane { get; set; }

    /// <summary>Whether faults may be injected. Default: the configuration key <c>Mesh:Chaos</c>, else false.</summary>
    public bool? Chaos { get; set; }

    /// <summary>Whether faults may be injected in a cluster too. Default false: what is on for tests is off in production unless it is said twice.</summary>
    public bool PublishedChaos { get; set; }

    /// <summary>How long an SVID lives; renewed at about half of it. Default 1 hour.</summary>
    public TimeSpan SvidLifetime { get; set; } = TimeSpan.FromHours(1);

    /// <summary>How long a stopping sidecar lets running requests finish. Default 30 seconds; at most 2 when the whole application stops.</summary>
    public TimeSpan DrainTime { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>What becomes of calls to destinations outside the mesh that are no external services of the AppHost. Default: the configuration key <c>Mesh:UndeclaredEgress</c>, else <see cref="EgressMode.Unwatched"/>: they go past the sidecars.</summary>
    public EgressMode UndeclaredEgress { get; set; }

    /// <summary>A file of policies beside the AppHost; relative to its folder. Default none.</summary>
    public string? PolicyFile { get; set; }

    /// <summary>
    /// Where the mesh's CA keeps its root key (mode 0600), so that trust survives a restart. Default: a directory of this AppHost under
    /// <c>ASPIREMESH_STATE_DIR</c>, else under <c>.aspiremesh/ca</c> in the user's profile; in tests, memory only.
    /// </summary>
    public string? CaDirectory { get; set; }

    /// <summary>A CA of yours: a PEM file with the certificate that signs SVIDs, followed by those above it up to the root. Default: the mesh's own CA.</summary>
    public string? CaCertificateFile { get; set; }

    /// <summary>The PEM file of its unencrypted key.</summary>
    public string? CaKeyFile { get; set; }

    /// <summary>
    /// Whether identities come from SPIRE in the published chart, and locally where <see cref="WorkloadApi"/> or the configuration key <c>SPIFFE_ENDPOINT_SOCKET</c> names an agent.
    /// Default false.
    /// </summary>
    public bool Spire { get; set; }

    /// <summary>The SPIFFE Workload API on this machine, <c>unix:///path</c>. Default: the configuration key <c>SPIFFE_ENDPOINT_SOCKET</c>.</summary>
    public string? WorkloadApi { get; set; }

    /// <summary>The cert-manager issuer that gives the published control plane its intermediate CA. Default none: a CA of its own.</summary>
    public MeshIssuer? CertManager { get; set; }

    /// <summary>The proxy executable, or its <c>.dll</c>. Default: <c>ASPIREMESH_PROXY</c>, else beside the AppHost's output.</summary>
    public string? ProxyPath { get; set; }

    /// <summary>The <c>aspiremesh</c> executable, or its <c>.dll</c>, for a control plane of its own. Default: <c>ASPIREMESH_TOOL</c>, else beside the AppHost's output, else on the path.</summary>
    public string? ToolPath { get; set; }
}

/// <summary>An issuer of cert-manager, as its <c>issuerRef</c> names it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Kind"><c>Issuer</c> (in the mesh's namespace), <c>ClusterIssuer</c>, or the kind of an external issuer.</param>
/// <param name="Group">Its API group.</param>
public sealed record MeshIssuer(string Name, string Kind = "Issuer", string Group = "cert-manager.io");

/// <summary>How local sidecars run.</summary>
public enum SidecarHosting
{
    /// <summary>One process per sidecar.</summary>
    PerWorkload,

    /// <summary>All sidecars in the AppHost's process, each with its own identity, ports and telemetry name.</summary>
    Shared,
}

/// <summary>Where the control plane runs.</summary>
public enum ControlPlaneHosting
{
    /// <summary>Inside the AppHost's process.</summary>
    AppHost,

    /// <summary>In a process of its own (<c>aspiremesh serve</c>).</summary>
    OwnProcess,
}
