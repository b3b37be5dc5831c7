using System.Security.Cryptography;
using System.Text.Json;
using AspireMesh.Protocol;
using AspireMesh.Protocol.Control;
using AspireMesh.Protocol.Snapshot;
using Google.Protobuf;

namespace AspireMesh.Host.Distribution;

/// <summary>A snapshot with its content's hash (which leaves the version out, so that equal content is recognized) and, once needed, its bytes for the wire.</summary>
internal sealed class CompiledSnapshot
{
    private readonly string _content;
    private SnapshotUpdate? _update;

    public CompiledSnapshot(MeshSnapshot snapshot)
    {
        Snapshot = snapshot;
        _content = Hash(Encode(snapshot with { Version = 0 }));
    }

    private CompiledSnapshot(MeshSnapshot snapshot, string content) => (Snapshot, _content) = (snapshot, content);

    public MeshSnapshot Snapshot { get; }

    public long Version => Snapshot.Version;

    /// <summary>What travels; made once.</summary>
    public SnapshotUpdate Update => _update ??= MakeUpdate();

    public bool HasSameContent(CompiledSnapshot other) => _content == other._content;

    public CompiledSnapshot WithVersion(long version) => new(Snapshot with { Version = version }, _content);

    private SnapshotUpdate MakeUpdate()
    {
        var json = Encode(Snapshot);
        return new SnapshotUpdate { Version = Version, Hash = Hash(json), Json = UnsafeByteOperations.UnsafeWrap(json) };
    }

    private static byte[] Encode(MeshSnapshot snapshot) => JsonSerializer.SerializeToUtf8Bytes(snapshot, MeshJson.Default.MeshSnapshot);

    private static string Hash(byte[] json) => Convert.ToHexStringLower(SHA256.HashData(json));
}
