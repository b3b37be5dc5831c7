using AspireMesh.Protocol.Policies;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Runtime;

namespace AspireMesh.Proxy.Opaque;

/// <summary>Where one opaque connection goes, and what holds for it on the way.</summary>
internal sealed record OpaquePath
{
    /// <summary>Outbound, gateway or egress.</summary>
    public required MeshSide Side { get; init; }

    /// <summary>The listener it came in on; its connections are counted together.</summary>
    public required string Listener { get; init; }

    /// <summary>The workload or external service it goes to.</summary>
    public required string Destination { get; init; }

    /// <summary>Its endpoint.</summary>
    public required string Endpoint { get; init; }

    /// <summary>The cluster it goes to.</summary>
    public required string Cluster { get; init; }

    /// <summary>The TLS route that led here; null for none.</summary>
    public string? Route { get; init; }

    /// <summary>Caps; null for none.</summary>
    public ConcurrencyPolicy? Limits { get; init; }

    /// <summary>To connect, and idle.</summary>
    public required TimeoutPolicy Timeouts { get; init; }

    public static OpaquePath Of(OutboundListener listener) => new()
    {
        Side = MeshSide.Outbound,
        Listener = listener.Name,
        Destination = listener.Destination,
        Endpoint = listener.Endpoint,
        Cluster = listener.Cluster ?? "",
        Limits = listener.Limits,
        Timeouts = listener.Timeouts,
    };
}
