using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace AspireMesh.Host.Kubernetes;

/// <summary>How one replica of the control plane runs in a cluster.</summary>
public sealed record ClusterOptions
{
    /// <summary>The namespace of the mesh.</summary>
    public required string Namespace { get; init; }

    /// <summary>This pod's name: who it is among the replicas.</summary>
    public required string PodName { get; init; }

    /// <summary>This pod's address: where the other replicas reach <see cref="ControlListen"/> while it leads.</summary>
    public required string PodIp { get; init; }

    /// <summary>Where sidecars connect, <c>host:port</c>. Default <c>*:15010</c>.</summary>
    public string ControlListen { get; init; } = "*:15010";

    /// <summary>Where tools connect, <c>host:port</c>. Default <c>127.0.0.1:15011</c>: reached through a port-forward.</summary>
    public string AdminListen { get; init; } = $"127.0.0.1:{ClusterNames.AdminPort}";

    /// <summary>The trust domain, in place of the model's; null takes the model's.</summary>
    public string? TrustDomain { get; init; }

    /// <summary>How long a leader that says nothing stays leader. Default 15 seconds.</summary>
    public TimeSpan LeaseDuration { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How often the leader renews its Lease and others look at it. Default 2 seconds.</summary>
    public TimeSpan LeaseRenewal { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How long the leader goes on without having renewed; under <see cref="LeaseDuration"/>. Default 10 seconds.</summary>
    public TimeSpan LeaseDeadline { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>First pause after a failed call to the API server; doubled up to 30 seconds. Default 1 second.</summary>
    public TimeSpan RetryPause { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// How long a pod that no EndpointSlice names and whose sidecar is not connected stays known, and how long after it began to lead a replica replaces no root: until then
    /// such pods may be on their way back to it. Default 60 seconds.
    /// </summary>
    public TimeSpan PodMemory { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// The issuer that gives the control plane its intermediate CA, by cert-manager's CertificateRequests; null for a CA of the mesh's own.
    /// </summary>
    public IssuerReference? Issuer { get; init; }

    /// <summary>How long the intermediate CA is asked for; the issuer may give less. Renewed when two thirds of what it gave are over. Default 90 days.</summary>
    public TimeSpan IntermediateLifetime { get; init; } = TimeSpan.FromDays(90);

    /// <summary>How long a CertificateRequest may be pending before the log says so, and how often it says so again. Default 30 seconds.</summary>
    public TimeSpan IssuerPatience { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>A SPIFFE Workload API from which the control plane and its sidecars have their identities, as <c>SPIFFE_ENDPOINT_SOCKET</c> writes it; null for a CA.</summary>
    public string? WorkloadApi { get; init; }

    /// <summary>Seed of the jitter in pauses. Default 1.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>The clock.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Where it logs to. Default nowhere.</summary>
    public ILoggerFactory LoggerFactory { get; init; } = NullLoggerFactory.Instance;
}
