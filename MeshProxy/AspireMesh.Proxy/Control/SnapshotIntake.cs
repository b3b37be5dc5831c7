using System.Security.Cryptography;
using System.Text.Json;
using AspireMesh.Protocol;
using AspireMesh.Protocol.Control;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Runtime;
using AspireMesh.Proxy.Tls;

namespace AspireMesh.Proxy.Control;

/// <summary>Takes a snapshot off the wire: checks its hash, reads it, hands it over, and remembers which one is in force.</summary>
internal sealed class SnapshotIntake(ISnapshotSink sink, TrustBundle bundle)
{
    /// <summary>The version in force, 0 for none.</summary>
    public long Version { get; private set; }

    /// <summary>Its hash.</summary>
    public string Hash { get; private set; } = "";

    /// <summary>Returns every reason against it; none when it is in force.</summary>
    public async ValueTask<IReadOnlyList<string>> TakeAsync(SnapshotUpdate update, CancellationToken cancellationToken)
    {
        // A control plane that was restarted sends what the sidecar kept; applying it again would only disturb.
        if (Version == update.Version && Hash == update.Hash && Version != 0) return [];
        var (snapshot, error) = Read(update);
        if (snapshot is null) return [error];
        var errors = await ApplyAsync(snapshot, cancellationToken);
        if (errors.Count > 0) return errors;
        bundle.Replace(snapshot.TrustBundle);
        (Version, Hash) = (update.Version, update.Hash);
        return [];
    }

    // Whatever a check has not thought of is a refusal too. Thrown on, it would end the stream for good, and the sidecar would go on as if it were connected.
    private async ValueTask<IReadOnlyList<string>> ApplyAsync(MeshSnapshot snapshot, CancellationToken cancellationToken)
    {
        try
        {
            return await sink.ApplyAsync(snapshot, cancellationToken);
        }
        catch (Exception e) when (e is not OperationCanceledException and not OutOfMemoryException)
        {
            return [$"the snapshot could not be put in force: {e.GetType().Name}: {e.Message}"];
        }
    }

    private static (MeshSnapshot? Snapshot, string Error) Read(SnapshotUpdate update)
    {
        var hash = Convert.ToHexStringLower(SHA256.HashData(update.Json.Span));
        if (hash != update.Hash) return (null, $"the snapshot's SHA-256 is {hash}, but {update.Hash} was announced");
        try
        {
            var snapshot = JsonSerializer.Deserialize(update.Json.Span, MeshJson.Default.MeshSnapshot);
            if (snapshot is null) return (null, "the snapshot is null");
            return snapshot.Version == update.Version ? (snapshot, "") : (null, $"the snapshot says it is version {snapshot.Version}, but {update.Version} was announced");
        }
        catch (JsonException e)
        {
            return (null, $"the snapshot cannot be read: {e.Message}");
        }
    }
}
