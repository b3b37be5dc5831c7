using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Outbound.LoadBalancing;

/// <summary>Chooses one of the candidates, of which there is at least one.</summary>
internal interface ILoadBalancer
{
    /// <param name="candidates">Those that may be chosen.</param>
    /// <param name="context">The request, for hashing; null for probes, mirrors and opaque connections.</param>
    int Choose(ReadOnlySpan<Destination> candidates, HttpContext? context);
}
