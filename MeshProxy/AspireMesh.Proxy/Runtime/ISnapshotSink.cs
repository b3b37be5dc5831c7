using AspireMesh.Protocol.Snapshot;

namespace AspireMesh.Proxy.Runtime;

/// <summary>Takes snapshots from the control plane's stream.</summary>
internal interface ISnapshotSink
{
    /// <summary>
    /// Validates a snapshot and puts it in force. Returns every error, none when it is in force: the caller answers nack or ack. A refused one
    /// leaves the last good one in force.
    /// </summary>
    ValueTask<IReadOnlyList<string>> ApplyAsync(MeshSnapshot snapshot, CancellationToken cancellationToken);
}
