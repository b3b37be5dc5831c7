using AspireMesh.Protocol.Diagnostics;
using k8s;
using k8s.Exceptions;

namespace AspireMesh.Host.Kubernetes;

/// <summary>How to reach a cluster's API server.</summary>
public static class ClusterAccess
{
    /// <summary>Reads a kubeconfig, or what the environment offers: <c>KUBECONFIG</c>, the user's own file, the pod's service account.</summary>
    /// <param name="kubeconfig">A file; null for the environment.</param>
    /// <param name="context">A context in it; null for the current one.</param>
    /// <exception cref="MeshValidationException">There is none that can be used.</exception>
    public static KubernetesClientConfiguration Read(string? kubeconfig, string? context)
    {
        try
        {
            if (kubeconfig is not null || context is not null) return KubernetesClientConfiguration.BuildConfigFromConfigFile(kubeconfig, context);
            return KubernetesClientConfiguration.BuildDefaultConfig();
        }
        catch (Exception e) when (e is KubeConfigException or KubernetesClientException or IOException or UnauthorizedAccessException or YamlDotNet.Core.YamlException)
        {
            throw new MeshValidationException([MeshDiagnostics.BadArgument.Found($"The cluster cannot be reached with {kubeconfig ?? "the kubeconfig of this user"}: {e.Message} See: kubectl config get-contexts")]);
        }
    }
}
