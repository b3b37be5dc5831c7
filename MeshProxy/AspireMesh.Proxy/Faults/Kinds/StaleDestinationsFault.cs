using AspireMesh.Protocol.Faults;

namespace AspireMesh.Proxy.Faults.Kinds;

/// <summary>
/// Discovery gave an address where the destination no longer is: <see cref="Fault.Value"/>, <c>host:port</c>; the discard port of loopback where it is not set,
/// where nobody listens. It is really dialled, and fails as it fails.
/// </summary>
internal sealed class StaleDestinationsFault(Fault fault) : IDiscoveryFault
{
    public FaultStage Stage => FaultStage.Discovery;

    public bool Ends => true;

    public DiscoveryChange Change() => new(false, fault.Value ?? DiscoveryChange.Nobody, null);
}
