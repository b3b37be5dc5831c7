using System.Collections.Immutable;
using AspireMesh.Host.Registry;
using AspireMesh.Protocol.Faults;
using AspireMesh.Protocol.Model;

namespace AspireMesh.Host.Policy;

/// <summary>Everything a snapshot depends on: intent and what is known about the running mesh. The same input gives the same snapshot, byte for byte.</summary>
internal sealed record CompileInput
{
    /// <summary>The checked model.</summary>
    public required ModelIndex Index { get; init; }

    /// <summary>Where apps listen, by sidecar and endpoint.</summary>
    public ImmutableDictionary<(string Instance, string Endpoint), string> AppAddresses { get; init; } = ImmutableDictionary<(string, string), string>.Empty;

    /// <summary>Where the app beside a sidecar has an endpoint: what was said at run time, else what the model says.</summary>
    public string? AppAddress(SidecarModel sidecar, EndpointModel endpoint) => AppAddresses.GetValueOrDefault((sidecar.Instance, endpoint.Name)) ?? endpoint.App;

    /// <summary>Where the connections of apps in containers come from, by sidecar.</summary>
    public ImmutableDictionary<string, ImmutableArray<string>> CallerAddresses { get; init; } = ImmutableDictionary<string, ImmutableArray<string>>.Empty;

    /// <summary>Sidecars whose apps are known to be unhealthy or stopped.</summary>
    public ImmutableHashSet<string> Unhealthy { get; init; } = [];

    /// <summary>Those of <see cref="Unhealthy"/> whose apps run: destinations of last resort.</summary>
    public ImmutableHashSet<string> Running { get; init; } = [];

    /// <summary>Trusted roots, PEM.</summary>
    public ImmutableArray<string> TrustBundle { get; init; } = [];

    /// <summary>Faults in force.</summary>
    public ImmutableArray<FaultRule> Faults { get; init; } = [];
}
