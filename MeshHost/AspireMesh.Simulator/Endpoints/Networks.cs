using System.Collections;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>A network in which an address is valid.</summary>
/// <param name="Value">Its name.</param>
public record NetworkIdentifier(string Value);

/// <summary>The networks known without asking.</summary>
public static class KnownNetworkIdentifiers
{
    /// <summary>The host's loopback.</summary>
    public static readonly NetworkIdentifier LocalhostNetwork = new("localhost");

    /// <summary>The network containers share.</summary>
    public static readonly NetworkIdentifier DefaultAspireContainerNetwork = new("aspire-container-network");

    /// <summary>Everywhere.</summary>
    public static readonly NetworkIdentifier PublicInternet = new(".");
}

/// <summary>Host names with a meaning.</summary>
public static class KnownHostNames
{
    /// <summary>The host itself.</summary>
    public const string Localhost = "localhost";

    /// <summary>The host, seen from a container.</summary>
    public const string DockerDesktopHostBridge = "host.docker.internal";

    /// <summary>The tunnel from containers to the host.</summary>
    public const string DefaultContainerTunnelHostName = "aspire.dev.internal";
}

/// <summary>The address of an endpoint in one network.</summary>
/// <param name="Snapshot">The address, set at allocation.</param>
/// <param name="NetworkID">The network.</param>
public record NetworkEndpointSnapshot(ValueSnapshot<AllocatedEndpoint> Snapshot, NetworkIdentifier NetworkID);

/// <summary>An endpoint's addresses by network.</summary>
public class NetworkEndpointSnapshotList : IEnumerable<NetworkEndpointSnapshot>
{
    private readonly Lock _gate = new();
    private readonly List<NetworkEndpointSnapshot> _snapshots = [];

    /// <summary>Sets the address in <paramref name="networkId"/>.</summary>
    public void AddOrUpdateAllocatedEndpoint(NetworkIdentifier networkId, AllocatedEndpoint endpoint) => Get(networkId).SetValue(endpoint);

    /// <summary>Waits for the address in <paramref name="networkId"/>.</summary>
    public Task<AllocatedEndpoint> GetAllocatedEndpointAsync(NetworkIdentifier networkId, CancellationToken cancellationToken = default) =>
        Get(networkId).GetValueAsync(cancellationToken);

    /// <inheritdoc/>
    public IEnumerator<NetworkEndpointSnapshot> GetEnumerator()
    {
        lock (_gate)
        {
            return _snapshots.ToList().GetEnumerator();
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    internal bool TryGetAllocatedEndpoint(NetworkIdentifier networkId, out AllocatedEndpoint? endpoint) => Get(networkId).TryGet(out endpoint);

    internal ValueSnapshot<AllocatedEndpoint> Get(NetworkIdentifier networkId)
    {
        lock (_gate)
        {
            var found = _snapshots.Find(s => s.NetworkID == networkId);
            if (found is null)
            {
                found = new NetworkEndpointSnapshot(new ValueSnapshot<AllocatedEndpoint>(), networkId);
                _snapshots.Add(found);
            }

            return found.Snapshot;
        }
    }
}
