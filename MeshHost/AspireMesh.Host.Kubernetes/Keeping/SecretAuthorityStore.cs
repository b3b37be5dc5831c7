using System.Text.Json;
using AspireMesh.Host.Identity;
using AspireMesh.Host.Kubernetes.Watching;
using AspireMesh.Protocol.Diagnostics;
using k8s;
using k8s.Models;

namespace AspireMesh.Host.Kubernetes.Keeping;

/// <summary>
/// Keeps the CA's roots in a Secret, and publishes those that are trusted in a ConfigMap at every change, so that a pod which starts in the middle of a rotation
/// trusts what the others trust. Only the leader uses it. A Secret that somebody else changed in the meantime is never overwritten: there was another leader.
/// </summary>
internal sealed class SecretAuthorityStore(IKubernetes client, string ns) : IAuthorityStore
{
    private V1Secret? _read;

    public StoredAuthority? Load()
    {
        var secret = Wait(ReadAsync());
        if (secret is null) return null;
        _read = secret;
        if (secret.Data?.TryGetValue(ClusterNames.AuthorityKey, out var json) != true) return null;
        try
        {
            var stored = JsonSerializer.Deserialize<StoredAuthority>(json, JsonSerializerOptions.Web) is { Roots.IsDefaultOrEmpty: false } found ? found : throw Bad("holds no root");
            Wait(PublishAsync(stored));
            return stored;
        }
        catch (JsonException e)
        {
            throw Bad($"cannot be read ({e.Message})");
        }
    }

    public void Save(StoredAuthority authority)
    {
        try
        {
            _read = Wait(WriteAsync(authority));
            Wait(PublishAsync(authority));
        }
        catch (Exception e) when (ApiFailure.IsConflict(e))
        {
            throw Bad("was changed by another replica. Nothing was overwritten; this one reads it anew when it leads again", "");
        }
        catch (Exception e) when (ApiFailure.Is(e))
        {
            throw Bad($"cannot be written: {ApiFailure.Explain(e, "create, update", "secrets")}", "");
        }
    }

    private async Task<V1Secret?> ReadAsync()
    {
        try
        {
            return await client.CoreV1.ReadNamespacedSecretAsync(ClusterNames.AuthoritySecret, ns);
        }
        catch (Exception e) when (ApiFailure.IsMissing(e))
        {
            return null;
        }
    }

    private async Task<V1Secret> WriteAsync(StoredAuthority authority)
    {
        var data = new Dictionary<string, byte[]> { [ClusterNames.AuthorityKey] = JsonSerializer.SerializeToUtf8Bytes(authority, JsonSerializerOptions.Web) };
        if (_read is null)
        {
            return await client.CoreV1.CreateNamespacedSecretAsync(new V1Secret { Metadata = ClusterObject.Meta(ClusterNames.AuthoritySecret, ns), Data = data, Type = "Opaque" }, ns);
        }
        _read.Data = data;
        return await client.CoreV1.ReplaceNamespacedSecretAsync(_read, ClusterNames.AuthoritySecret, ns);
    }

    private async Task<V1ConfigMap> PublishAsync(StoredAuthority authority)
    {
        var data = new Dictionary<string, string> { [ClusterNames.TrustBundleKey] = string.Concat(authority.Roots.Select(r => r.Certificate.TrimEnd() + "\n")) };
        var map = new V1ConfigMap { Metadata = ClusterObject.Meta(ClusterNames.TrustBundle, ns), Data = data };
        try
        {
            return await client.CoreV1.CreateNamespacedConfigMapAsync(map, ns);
        }
        catch (Exception e) when (ApiFailure.IsConflict(e))
        {
            // It is there. Without a version the write wins: what is in it follows from the Secret alone.
            return await client.CoreV1.ReplaceNamespacedConfigMapAsync(map, ClusterNames.TrustBundle, ns);
        }
    }

    // The CA asks under its own lock, once per start and three times per rotation.
    private static T Wait<T>(Task<T> call) => Task.Run(() => call).GetAwaiter().GetResult();

    private static MeshValidationException Bad(string found, string next = ". Delete it to get a new CA; every sidecar then has to join again") =>
        new([MeshDiagnostics.BadCertificateAuthority.Found($"The Secret '{ClusterNames.AuthoritySecret}' {found}{next}.")]);
}
