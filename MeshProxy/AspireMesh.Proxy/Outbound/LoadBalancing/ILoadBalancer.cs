using System.Net;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Outbound.LoadBalancing;

/// <summary>Chooses one of the candidates, of which there is at least one.</summary>
internal interface ILoadBalancer
{
    /// <param name="candidates">Those that may be chosen.</param>
    /// <param name="asker">Who wants to know, for hashing.</param>
    int Choose(ReadOnlySpan<Destination> candidates, Asker asker);
}

/// <summary>What a choice is made for.</summary>
/// <param name="Request">The request; null for probes and opaque connections.</param>
/// <param name="Address">Where an opaque connection came from; null where that is not known, and for requests, which say it themselves.</param>
internal readonly record struct Asker(HttpContext? Request, IPAddress? Address)
{
    /// <summary>The caller's address.</summary>
    public IPAddress? Source => Address ?? Request?.Connection.RemoteIpAddress;
}
