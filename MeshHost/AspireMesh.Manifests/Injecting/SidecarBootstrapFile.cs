using System.Text.Json;
using AspireMesh.Protocol;
using AspireMesh.Protocol.Snapshot;

namespace AspireMesh.Manifests.Injecting;

/// <summary>The bootstrap file that all pods of a workload mount.</summary>
public static class SidecarBootstrapFile
{
    /// <summary>Its text. Trust domain and namespace may be template expressions.</summary>
    public static string Text(string workload, string trustDomain, string ns)
    {
        var bootstrap = new SidecarBootstrap
        {
            Workload = workload,
            Instance = "",
            TrustDomain = trustDomain,
            Namespace = ns,
            ControlPlane = $"https://{SidecarPlaces.ControlPlane}:{SidecarPlaces.ControlPort}",
            TrustBundle = [],
            TrustBundleFile = "/etc/aspiremesh-trust/bundle.pem",
            JoinToken = null,
            JoinTokenFile = "/var/run/secrets/aspiremesh/token",
            Admin = $"0.0.0.0:{SidecarPlaces.AdminPort}",
        };
        return JsonSerializer.Serialize(bootstrap, MeshJson.Default.SidecarBootstrap) + "\n";
    }
}
