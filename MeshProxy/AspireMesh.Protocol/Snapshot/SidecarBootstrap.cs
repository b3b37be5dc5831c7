using System.Collections.Immutable;

namespace AspireMesh.Protocol.Snapshot;

/// <summary>
/// What a sidecar is told before it has a snapshot. Handed over as a file (mode 0600) named by <see cref="FileVariable"/>, which the sidecar
/// deletes once read: the token is in no command line and no environment.
/// </summary>
public sealed record SidecarBootstrap
{
    /// <summary>The environment variable that names the bootstrap file.</summary>
    public const string FileVariable = "ASPIREMESH_BOOTSTRAP";

    /// <summary>The environment variable that names the instance where the file leaves it empty: every pod of a workload mounts the same file.</summary>
    public const string InstanceVariable = "ASPIREMESH_INSTANCE";

    /// <summary>The workload.</summary>
    public required string Workload { get; init; }

    /// <summary>The sidecar's own name.</summary>
    public required string Instance { get; init; }

    /// <summary>The trust domain.</summary>
    public required string TrustDomain { get; init; }

    /// <summary>The mesh's namespace: the control plane has to prove <c>spiffe://{trust domain}/ns/{namespace}/sa/aspiremesh-control-plane</c>. Null for <c>default</c>.</summary>
    public string? Namespace { get; init; }

    /// <summary>The control plane, <c>https://host:port</c>.</summary>
    public required string ControlPlane { get; init; }

    /// <summary>Roots that the control plane's certificate must chain to, PEM. Empty when <see cref="TrustBundleFile"/> is used.</summary>
    public required ImmutableArray<string> TrustBundle { get; init; }

    /// <summary>
    /// A PEM file with those roots, read at each join (in a cluster a mounted ConfigMap that the control plane writes); waited for while it is missing or empty.
    /// Null for <see cref="TrustBundle"/> alone.
    /// </summary>
    public string? TrustBundleFile { get; init; }

    /// <summary>The single-use join token; null when <see cref="JoinTokenFile"/> is used.</summary>
    public string? JoinToken { get; init; }

    /// <summary>A file that holds the token and is read at each join (a projected service-account token in a cluster).</summary>
    public string? JoinTokenFile { get; init; }

    /// <summary>
    /// A SPIFFE Workload API (a SPIRE agent) that gives this sidecar its identity and its roots instead of the control plane, as <c>SPIFFE_ENDPOINT_SOCKET</c> writes it:
    /// <c>unix:///path</c>. Token and bundle are not used then. Null for the control plane's own CA.
    /// </summary>
    public string? WorkloadApi { get; init; }

    /// <summary>
    /// A Unix socket in a directory that only this user may enter, where a running sidecar waits for a newer process of itself to take over its ports, and where
    /// a newer one finds it. Null for a sidecar that is only ever restarted.
    /// </summary>
    public string? HandoverSocket { get; init; }

    /// <summary>Whether the sidecar's process ends when its standard input does, so that one that nobody else looks after does not outlive whoever started it.</summary>
    public bool EndsWithInput { get; init; }

    /// <summary>Where the admin listener binds, <c>host:port</c>.</summary>
    public required string Admin { get; init; }
}
