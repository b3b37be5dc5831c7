using AspireMesh.Protocol.Snapshot;

namespace AspireMesh.Proxy.Runtime;

/// <summary>What the policies make of one snapshot: immutable rules around destination state that outlasts snapshots.</summary>
internal interface ITrafficRules
{
    /// <summary>Chooses where an opaque connection goes; null when no destination can take it.</summary>
    /// <param name="cluster">A cluster of this snapshot.</param>
    /// <param name="tried">Names of destinations that failed for this connection already.</param>
    IDestinationLease? Choose(string cluster, IReadOnlyCollection<string> tried);

    /// <summary>Lets the faults of the edge act on an opaque connection before it is dialled; true when it has to be broken.</summary>
    ValueTask<bool> InjectAsync(string cluster, CancellationToken cancellationToken);
}

/// <summary>A chosen destination, counted as busy until the lease is disposed.</summary>
internal interface IDestinationLease : IDisposable
{
    /// <summary>Its cluster.</summary>
    ClusterSnapshot Cluster { get; }

    /// <summary>The address.</summary>
    DestinationSnapshot Destination { get; }

    /// <summary>Tells outlier detection and breaker: the stream was opened, or not.</summary>
    void Connected(bool success);
}
