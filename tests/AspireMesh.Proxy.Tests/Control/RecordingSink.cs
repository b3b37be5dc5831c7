using System.Collections.Concurrent;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Runtime;

namespace AspireMesh.Proxy.Tests.Control;

/// <summary>Keeps what it was handed, and answers what a test says.</summary>
internal sealed class RecordingSink : ISnapshotSink
{
    public ConcurrentQueue<MeshSnapshot> Applied { get; } = new();

    public Func<MeshSnapshot, IReadOnlyList<string>> Answer { get; set; } = _ => [];

    public ValueTask<IReadOnlyList<string>> ApplyAsync(MeshSnapshot snapshot, CancellationToken cancellationToken)
    {
        var errors = Answer(snapshot);
        if (errors.Count == 0) Applied.Enqueue(snapshot);
        return ValueTask.FromResult(errors);
    }
}
