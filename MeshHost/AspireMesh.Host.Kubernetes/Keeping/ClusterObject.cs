using k8s.Models;

namespace AspireMesh.Host.Kubernetes.Keeping;

/// <summary>What every object that the control plane makes has in common.</summary>
internal static class ClusterObject
{
    public static V1ObjectMeta Meta(string name, string ns) => new()
    {
        Name = name,
        NamespaceProperty = ns,
        Labels = new Dictionary<string, string> { ["app.kubernetes.io/managed-by"] = ClusterNames.ControlPlane, ["app.kubernetes.io/part-of"] = "aspiremesh" },
    };
}
