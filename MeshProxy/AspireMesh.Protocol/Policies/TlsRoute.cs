using System.Collections.Immutable;

namespace AspireMesh.Protocol.Policies;

/// <summary>
/// Leads TLS connections by the server name in their hello (RFC 6066 section 3) without ending the TLS, as Gateway API's TLSRoute does. The most exact
/// name wins, whatever the order: a name over a wildcard, a longer wildcard over a shorter one, and <c>*</c> last.
/// </summary>
public sealed record TlsRoute
{
    /// <summary>Unique on its edge or gateway; shows in metrics as <c>mesh.route</c>.</summary>
    public required string Name { get; init; }

    /// <summary>
    /// <c>shop.test</c>; <c>*.shop.test</c> for one or more labels before it; <c>*</c> for everything, a hello without a server name included.
    /// </summary>
    public ImmutableArray<string> ServerNames { get; init; } = [];

    /// <summary>Weighted destinations, all of them opaque TCP; empty means the edge's or gateway's own endpoint.</summary>
    public ImmutableArray<TrafficSplitLeg> Split { get; init; } = [];
}
