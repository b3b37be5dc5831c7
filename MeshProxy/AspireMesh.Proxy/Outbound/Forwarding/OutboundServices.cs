using AspireMesh.Proxy.Runtime;
using Yarp.ReverseProxy.Forwarder;

namespace AspireMesh.Proxy.Outbound.Forwarding;

/// <summary>What forwarding needs from the sidecar.</summary>
internal sealed record OutboundServices(TimeProvider Time, Chance Chance, IMeshEvents Events, IHttpForwarder Forwarder, DestinationClients Clients, Mirroring.Mirror Mirror, Routing.LoopGuard Loops)
{
    /// <summary>Cancelled when this sidecar begins to stop.</summary>
    public CancellationToken Stopping { get; init; }
}
