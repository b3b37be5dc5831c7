using System.Security.Cryptography;
using System.Text;
using AspireMesh.Host.Kubernetes.Watching;
using k8s;
using k8s.Models;

namespace AspireMesh.Host.Kubernetes.Keeping;

/// <summary>The admin API's token, in a Secret: who may read that Secret may operate the mesh.</summary>
internal static class AdminToken
{
    /// <summary>Reads the token; null when there is none.</summary>
    public static async Task<string?> ReadAsync(IKubernetes client, string ns, CancellationToken cancellationToken)
    {
        try
        {
            var secret = await client.CoreV1.ReadNamespacedSecretAsync(ClusterNames.AdminSecret, ns, cancellationToken: cancellationToken);
            return secret.Data?.TryGetValue(ClusterNames.AdminKey, out var token) == true ? Encoding.UTF8.GetString(token) : null;
        }
        catch (Exception e) when (ApiFailure.IsMissing(e))
        {
            return null;
        }
    }

    /// <summary>Reads the token, or makes it; two replicas that try at once end up with the same.</summary>
    public static async Task<string> ReadOrMakeAsync(IKubernetes client, string ns, CancellationToken cancellationToken)
    {
        if (await ReadAsync(client, ns, cancellationToken) is { } there) return there;
        var token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
        var data = new Dictionary<string, byte[]> { [ClusterNames.AdminKey] = Encoding.UTF8.GetBytes(token) };
        try
        {
            await client.CoreV1.CreateNamespacedSecretAsync(new V1Secret { Metadata = ClusterObject.Meta(ClusterNames.AdminSecret, ns), Data = data, Type = "Opaque" }, ns, cancellationToken: cancellationToken);
            return token;
        }
        catch (Exception e) when (ApiFailure.IsConflict(e))
        {
            return await ReadAsync(client, ns, cancellationToken) ?? token;
        }
    }
}
