using System.Globalization;
using AspireMesh.Manifests.Injecting;

namespace AspireMesh.Hosting.Kubernetes.Rendering;

/// <summary>The ports of our own sidecars, as the other meshes' annotations list them: what stays out of their proxies where ours stay.</summary>
internal static class SidecarPorts
{
    /// <summary>Into a pod: the tunnel, probes and metrics.</summary>
    public static string Inbound { get; } = string.Create(CultureInfo.InvariantCulture, $"{SidecarPlaces.InboundPort},{SidecarPlaces.AdminPort}");

    /// <summary>Out of a pod: other pods' tunnels and our control plane.</summary>
    public static string Outbound { get; } = string.Create(CultureInfo.InvariantCulture, $"{SidecarPlaces.InboundPort},{SidecarPlaces.ControlPort}");
}
