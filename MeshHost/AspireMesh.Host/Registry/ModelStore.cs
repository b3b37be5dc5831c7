using System.Collections.Immutable;
using System.Text.Json;
using AspireMesh.Host.Running;
using AspireMesh.Protocol.Model;

namespace AspireMesh.Host.Registry;

/// <summary>Where apps listen, as it is kept.</summary>
internal sealed record StoredAddress(string Instance, string Endpoint, string Address);

/// <summary>Where an app's connections come from, as it is kept.</summary>
internal sealed record StoredCaller(string Instance, ImmutableArray<string> Addresses);

/// <summary>A model and what was told about its apps.</summary>
internal sealed record StoredModel(MeshModel Model, ImmutableArray<StoredAddress> Addresses)
{
    public ImmutableArray<StoredCaller> Callers { get; init; } = [];
}

/// <summary>
/// Keeps the model of a control plane in its own process (mode 0600: gateways may carry keys), so that one that was killed comes back with the same
/// snapshots and pushes nothing to sidecars that have them.
/// </summary>
internal sealed class ModelStore(string directory)
{
    private readonly string _file = Path.Combine(directory, "model.json");

    public StoredModel? Load() => File.Exists(_file) ? MeshDocument.Read<StoredModel>(File.ReadAllText(_file), _file) : null;

    public void Save(StoredModel model) => PrivateFile.Write(_file, JsonSerializer.SerializeToUtf8Bytes(model, MeshDocument.WriteOptions));
}
