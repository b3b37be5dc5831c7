using System.Text.Json.Nodes;

namespace AspireMesh.Manifests.Injecting;

/// <summary>Knows the sidecars of other meshes, which want the same connections: by their containers, and by the annotations and labels that ask for them.</summary>
internal static class ForeignSidecars
{
    private static readonly Dictionary<string, string> Containers = new(StringComparer.Ordinal)
    {
        ["istio-proxy"] = "Istio",
        ["istio-init"] = "Istio",
        ["linkerd-proxy"] = "Linkerd",
        ["linkerd-init"] = "Linkerd",
        ["consul-dataplane"] = "Consul",
        ["kuma-sidecar"] = "Kuma",
    };

    private static readonly Dictionary<string, string> Wishes = new(StringComparer.Ordinal)
    {
        ["sidecar.istio.io/inject=true"] = "Istio",
        ["linkerd.io/inject=enabled"] = "Linkerd",
        ["linkerd.io/inject=ingress"] = "Linkerd",
        ["consul.hashicorp.com/connect-inject=true"] = "Consul",
        ["kuma.io/sidecar-injection=enabled"] = "Kuma",
        ["openservicemesh.io/sidecar-injection=enabled"] = "Open Service Mesh",
    };

    /// <summary>Whose sidecar a pod has or asks for, and by what it is known; null for nobody's.</summary>
    public static (string Mesh, string Sign)? In(JsonObject template)
    {
        foreach (var container in new[] { template["spec"]?["containers"], template["spec"]?["initContainers"] }.OfType<JsonArray>().SelectMany(l => l).OfType<JsonObject>())
        {
            if (container["name"]?.ToString() is { } name && Containers.TryGetValue(name, out var mesh)) return (mesh, $"the container '{name}'");
        }
        foreach (var (key, value) in new[] { template["metadata"]?["annotations"], template["metadata"]?["labels"] }.OfType<JsonObject>().SelectMany(m => m))
        {
            if (Wishes.TryGetValue($"{key}={value}", out var mesh)) return (mesh, $"'{key}: {value}'");
        }
        return null;
    }
}
