using AspireMesh.Host;
using AspireMesh.Host.Running;
using AspireMesh.Hosting.Planning;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Hosting.Lifecycle;

/// <summary>What an AppHost's control plane is told, from what the AppHost says and where it lies.</summary>
internal static class ControlPlaneSettings
{
    /// <summary>The path that tells this AppHost from others of the same name.</summary>
    public static string Place(IConfiguration configuration) => configuration["AppHost:Path"] ?? configuration["AppHost:Directory"] ?? AppContext.BaseDirectory;

    /// <summary>The options of the control plane of a plan.</summary>
    public static ControlPlaneOptions Of(MeshOptions mesh, MeshPlan plan, IConfiguration configuration, TimeProvider time, ILoggerFactory logs) => new()
    {
        Name = plan.Model.Name,
        TrustDomain = plan.Model.TrustDomain,
        Namespace = plan.Model.Namespace,
        CaDirectory = mesh.CaCertificateFile is null ? mesh.CaDirectory ?? DefaultDirectory(plan, configuration) : null,
        CaCertificateFile = FullPath(mesh.CaCertificateFile, configuration),
        CaKeyFile = FullPath(mesh.CaKeyFile, configuration),
        WorkloadApi = mesh.Spire ? mesh.WorkloadApi ?? configuration["SPIFFE_ENDPOINT_SOCKET"] : null,
        TimeProvider = time,
        LoggerFactory = logs,
    };

    // A test starts with a trust of its own, and leaves nothing behind in the profile of whoever runs it: Aspire's test builder asks for random ports.
    private static string? DefaultDirectory(MeshPlan plan, IConfiguration configuration) =>
        configuration.GetValue("DcpPublisher:RandomizePorts", false) ? null : StateDirectories.Of(plan.Model.Name, Place(configuration), plan.Model.TrustDomain);

    private static string? FullPath(string? path, IConfiguration configuration) =>
        path is null ? null : Path.GetFullPath(path, configuration["AppHost:Directory"] ?? AppContext.BaseDirectory);
}
