using AspireMesh.Host.Identity;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace AspireMesh.Host;

/// <summary>How a control plane runs. What the mesh looks like comes as a <see cref="Protocol.Model.MeshModel"/>.</summary>
public sealed record ControlPlaneOptions
{
    /// <summary>The AppHost's name: names the run file, shown by tools.</summary>
    public required string Name { get; init; }

    /// <summary>The trust domain; a model with another one is refused.</summary>
    public required string TrustDomain { get; init; }

    /// <summary>The namespace in every SPIFFE ID. Default <c>default</c>.</summary>
    public string Namespace { get; init; } = "default";

    /// <summary>Where sidecars connect, <c>host:port</c>; port 0 takes a free one. Default <c>127.0.0.1:0</c>.</summary>
    public string ControlListen { get; init; } = "127.0.0.1:0";

    /// <summary>Where tools connect, <c>host:port</c>; port 0 takes a free one. Default <c>127.0.0.1:0</c>.</summary>
    public string AdminListen { get; init; } = "127.0.0.1:0";

    /// <summary>The admin API's bearer token; null makes a new one at each start.</summary>
    public string? AdminToken { get; init; }

    /// <summary>Where the CA keeps its root key (mode 0600), so that the trust survives restarts; null keeps it in memory only.</summary>
    public string? StateDirectory { get; init; }

    /// <summary>Where the CA keeps its root key instead of in <see cref="StateDirectory"/>: a model lives as long as an application runs, trust longer.</summary>
    public string? CaDirectory { get; init; }

    /// <summary>Keeps the CA's roots somewhere else than in a directory; null for <see cref="CaDirectory"/>, <see cref="StateDirectory"/>, or memory.</summary>
    public IAuthorityStore? AuthorityStore { get; init; }

    /// <summary>Decides about joining where join tokens of the control plane's own are not used; null uses those.</summary>
    public IWorkloadAttestor? Attestor { get; init; }

    /// <summary>
    /// Whether the model and what sidecars were told about apps is also kept in <see cref="StateDirectory"/> and taken up at the next start.
    /// For a control plane in its own process. Default false.
    /// </summary>
    public bool KeepModel { get; init; }

    /// <summary>Where the run file goes; null for <see cref="Running.RunDirectory.Default"/>, empty for no run file.</summary>
    public string? RunDirectory { get; init; }

    /// <summary>A CA of the user's: PEM of the signing certificate, followed by those above it up to the root. Null for a built-in CA.</summary>
    public string? CaCertificateFile { get; init; }

    /// <summary>PEM of the unencrypted key of <see cref="CaCertificateFile"/>'s first certificate.</summary>
    public string? CaKeyFile { get; init; }

    /// <summary>
    /// A SPIFFE Workload API (a SPIRE agent) from which the control plane and its sidecars have their identities and roots, as <c>SPIFFE_ENDPOINT_SOCKET</c> writes it:
    /// <c>unix:///path</c>. There is no CA and nobody joins then. Null for a CA.
    /// </summary>
    public string? WorkloadApi { get; init; }

    /// <summary>A CA that a cluster's issuer gave, kept in <see cref="AuthorityStore"/>.</summary>
    internal GivenAuthority? Issued { get; init; }

    /// <summary>Roots beside <see cref="Issued"/>'s that a rotation had not dropped yet.</summary>
    internal System.Collections.Immutable.ImmutableArray<System.Security.Cryptography.X509Certificates.X509Certificate2> AlsoTrusted { get; init; } = [];

    /// <summary>How long after its start a control plane replaces no root, because sidecars that it does not know of yet may be on their way back. Default none, where the model names them all; after a start with a kept model they are waited for all the same.</summary>
    internal TimeSpan Settling { get; init; }

    /// <summary>How long a leaf certificate lives; null takes the model's.</summary>
    public TimeSpan? SvidLifetime { get; init; }

    /// <summary>How long a join token can be used. Default 5 minutes.</summary>
    public TimeSpan JoinTokenLifetime { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>The clock.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Where the control plane logs to. Default nowhere.</summary>
    public ILoggerFactory LoggerFactory { get; init; } = NullLoggerFactory.Instance;
}
