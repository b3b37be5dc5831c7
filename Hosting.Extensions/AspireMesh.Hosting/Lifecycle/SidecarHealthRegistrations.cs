using AspireMesh.Hosting.Planning;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;

namespace AspireMesh.Hosting.Lifecycle;

/// <summary>
/// Registers a health check per sidecar. Sidecars are known once the application is planned, after its services were built;
/// the host reads these options later than that.
/// </summary>
internal sealed class SidecarHealthRegistrations(IServiceProvider services) : IConfigureOptions<HealthCheckServiceOptions>
{
    /// <summary>The key that a sidecar's annotation and its registration share.</summary>
    public static string KeyOf(SidecarPlan sidecar) => $"{sidecar.Name}_mesh_check";

    /// <inheritdoc/>
    public void Configure(HealthCheckServiceOptions options)
    {
        var runtime = services.GetRequiredService<MeshRuntime>();
        foreach (var sidecar in runtime.Sidecars)
        {
            options.Registrations.Add(new HealthCheckRegistration(KeyOf(sidecar), _ => new SidecarHealthCheck(runtime, sidecar), HealthStatus.Unhealthy, tags: null));
        }
    }
}

/// <summary>Healthy: connected, has its SVID, has acknowledged a snapshot. The app beside it has no part in this, or the two would wait for each other.</summary>
internal sealed class SidecarHealthCheck(MeshRuntime runtime, SidecarPlan sidecar) : IHealthCheck
{
    /// <summary>Hosts ask again only after a second or more; an answer that waits a little for a sidecar that is starting saves that time.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <inheritdoc/>
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        await runtime.WaitForSidecarAsync(sidecar.Instance, Patience, cancellationToken);
        return runtime.ProblemOf(sidecar.Instance) is { } problem ? HealthCheckResult.Unhealthy(problem) : HealthCheckResult.Healthy("has its SVID and has acknowledged its snapshot");
    }
}
