using AspireMesh.Host.Registry;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Snapshot;

namespace AspireMesh.Host.Admin;

/// <summary>The snapshot of one sidecar as people see it.</summary>
internal static class ConfigView
{
    /// <summary>Stands where a gateway's certificate and key were.</summary>
    public const string Hidden = "(hidden)";

    public static MeshSnapshot Of(SidecarRegistry registry, string name)
    {
        var (found, names) = registry.Read(sidecars => (
            sidecars.Values.Where(s => s.Instance == name || s.Workload == name).Select(s => (s.Instance, s.Snapshot)).ToArray(),
            sidecars.Keys.Order(StringComparer.Ordinal).ToArray()));
        var exact = found.FirstOrDefault(f => f.Instance == name);
        var snapshot = exact.Snapshot ?? (found.Length == 1 ? found[0].Snapshot : null);
        if (snapshot is not null) return WithoutSecrets(snapshot.Snapshot);
        throw new MeshValidationException([found.Length > 1
            ? MeshDiagnostics.UnknownWorkload.Found($"The workload '{name}' has several sidecars. Choose one: {string.Join(", ", found.Select(f => f.Instance).Order(StringComparer.Ordinal))}.")
            : MeshDiagnostics.UnknownWorkload.Found($"The mesh has no sidecar '{name}'. There are: {string.Join(", ", names)}.")]);
    }

    private static MeshSnapshot WithoutSecrets(MeshSnapshot snapshot) => snapshot with
    {
        Gateways = [.. snapshot.Gateways.Select(g => g.CertificatePem is null ? g : g with { CertificatePem = Hidden })],
    };
}
