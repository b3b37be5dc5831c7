using System.Collections.Concurrent;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Http;
using AspireMesh.Proxy.Outbound.LoadBalancing;
using AspireMesh.Proxy.Tunnel;

namespace AspireMesh.Proxy.Outbound.Forwarding;

/// <summary>
/// One client per destination, kept over snapshots. A destination that a snapshot no longer has is retired: its client is closed a while later, so that
/// requests which began under the old snapshot end on it.
/// </summary>
internal sealed class DestinationClients(ITunnelDialer dialer, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(60);
    private readonly ConcurrentDictionary<Key, Lazy<DestinationClient>> _clients = new();
    private readonly ConcurrentQueue<(long At, DestinationClient Client)> _retired = new();

    public HttpMessageInvoker Get(ClusterSnapshot cluster, Destination destination, TimeSpan connectTimeout)
    {
        if (destination.Client is { } found && found.ConnectTimeout == connectTimeout && !found.Client.IsRetired) return found.Client;
        var client = Get(cluster, destination.Snapshot, connectTimeout);
        destination.Client = new FoundClient(connectTimeout, client);
        return client;
    }

    public DestinationClient Get(ClusterSnapshot cluster, DestinationSnapshot destination, TimeSpan connectTimeout) =>
        _clients.GetOrAdd(
            KeyOf(cluster, destination, connectTimeout),
            static (key, a) => new Lazy<DestinationClient>(() => DestinationClient.Create(a.cluster, a.destination, a.connectTimeout, a.Dialer, client => a.Clients.Retire(key, client))),
            (cluster, destination, connectTimeout, Dialer: dialer, Clients: this)).Value;

    /// <summary>Retires the clients of destinations that the snapshot does not have, and closes those retired long enough ago.</summary>
    public void Keep(MeshSnapshot snapshot)
    {
        var wanted = snapshot.Clusters.SelectMany(c => c.Destinations.Select(d => KeyOf(c, d, default))).ToHashSet();
        foreach (var key in _clients.Keys)
            if (!wanted.Contains(key with { Connect = default }) && _clients.TryRemove(key, out var client) && client.IsValueCreated) _retired.Enqueue((time.GetTimestamp(), client.Value));
        CloseOld();
    }

    private void Retire(Key key, DestinationClient client)
    {
        if (!_clients.TryGetValue(key, out var held) || !held.IsValueCreated || !ReferenceEquals(held.Value, client) || !_clients.TryRemove(KeyValuePair.Create(key, held))) return;
        _retired.Enqueue((time.GetTimestamp(), client));
        CloseOld();
    }

    private void CloseOld()
    {
        while (_retired.TryPeek(out var oldest) && time.GetTimestamp() - oldest.At > time.ToTimestamps(s_grace) && _retired.TryDequeue(out oldest)) oldest.Client.Dispose();
    }

    public void Dispose()
    {
        foreach (var client in _clients.Values)
            if (client.IsValueCreated) client.Value.Dispose();
        while (_retired.TryDequeue(out var old)) old.Client.Dispose();
    }

    private static Key KeyOf(ClusterSnapshot cluster, DestinationSnapshot destination, TimeSpan connect) =>
        new(cluster.Name, destination.Name, destination.Address, cluster.Kind, cluster.ExpectedIdentity, cluster.ServerName, cluster.TrustedRoots, cluster.Endpoint, connect);

    private readonly record struct Key(
        string Cluster, string Destination, string Address, ClusterKind Kind, string? Identity, string? ServerName, string? Roots, string Endpoint, TimeSpan Connect);
}
