using System.Text.Json;
using AspireMesh.Protocol;
using AspireMesh.Protocol.Snapshot;

namespace AspireMesh.Manifests.Injecting;

/// <summary>The bootstrap file that all pods of a workload mount.</summary>
public static class SidecarBootstrapFile
{
    /// <summary>Its text. Trust domain and namespace may be template expressions. With <paramref name="spire"/> the SPIRE agent says who the sidecar is, else its service-account token does.</summary>
    public static string Text(string workload, string trustDomain, string ns, bool spire = false)
    {
        var bootstrap = new SidecarBootstrap
        {
            Workload = workload,
            Instance = "",
            TrustDomain = trustDomain,
            Namespace = ns,
            ControlPlane = $"https://{SidecarPlaces.ControlPlane}:{SidecarPlaces.ControlPort}",
            TrustBundle = [],
            TrustBundleFile = spire ? null : "/etc/aspiremesh-trust/bundle.pem",
            JoinToken = null,
            JoinTokenFile = spire ? null : "/var/run/secrets/aspiremesh/token",
            WorkloadApi = spire ? SidecarPlaces.WorkloadApi : null,
            Admin = $"0.0.0.0:{SidecarPlaces.AdminPort}",
        };
        return JsonSerializer.Serialize(bootstrap, MeshJson.Default.SidecarBootstrap) + "\n";
    }
}
