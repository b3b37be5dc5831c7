using System.Collections.Frozen;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Snapshot;

namespace AspireMesh.Proxy.Egress;

/// <summary>Who may be called outside the mesh, as one snapshot has it.</summary>
internal sealed class EgressRules(EgressListener listener)
{
    private readonly FrozenDictionary<(string Host, int Port), EgressDestination> _declared =
        listener.Destinations.GroupBy(d => (Normal(d.Host), d.Port)).ToFrozenDictionary(g => g.Key, g => g.First());

    public EgressMode Mode => listener.Mode;

    /// <summary>The declared destination; null for none. Names compare without case and without the final dot, addresses as addresses.</summary>
    public EgressDestination? Find(string host, int port) => _declared.GetValueOrDefault((Normal(host), port));

    private static string Normal(string host) =>
        System.Net.IPAddress.TryParse(host.AsSpan().Trim("[]"), out var address) ? address.ToString() : host.TrimEnd('.').ToLowerInvariant();
}
