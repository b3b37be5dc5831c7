using AspireMesh.Hosting.Planning;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace AspireMesh.Hosting.Lifecycle;

/// <summary>What is said once the mesh is ready.</summary>
internal sealed class ReadyLine(MeshPlan plan, SidecarHosting hosting, IServiceProvider services)
{
    /// <summary>Returns once every workload with a gateway can be asked, or has ended: a URL is only shown when something answers there.</summary>
    public async Task WaitForGatewaysAsync(CancellationToken cancellationToken)
    {
        var notifications = services.GetRequiredService<ResourceNotificationService>();
        foreach (var resource in plan.Gateways.Select(g => g.Resource).Distinct())
        {
            if (resource.Annotations.OfType<ExplicitStartupAnnotation>().Any()) continue;
            await notifications.WaitForResourceAsync(resource.Name, e => e.Snapshot.HealthStatus == HealthStatus.Healthy || KnownResourceStates.TerminalStates.Contains(e.Snapshot.State?.Text), cancellationToken);
        }
    }

    /// <inheritdoc/>
    public override string ToString()
    {
        List<string> parts =
        [
            HostDifferences.HostName,
            Count(plan.Workloads.Length, "workload"),
            Count(plan.Edges.Length, "edge"),
            $"mTLS {plan.Model.Mtls.ToString().ToLowerInvariant()}",
            hosting == SidecarHosting.Shared ? "sidecars shared" : "sidecars per workload",
            $"dashboard {Dashboard() ?? "none"}",
        ];
        parts.AddRange(plan.Gateways.Select(g => $"{g.Resource.Name} {g.Url}"));
        return string.Join(", ", parts);
    }

    private static string Count(int number, string what) => number == 1 ? $"1 {what}" : $"{number} {what}s";

    private string? Dashboard()
    {
        var dashboard = services.GetRequiredService<DistributedApplicationModel>().Resources.FirstOrDefault(r => r.Name == Participants.Dashboard);
        if (dashboard is null) return null;
        var configuration = services.GetRequiredService<IConfiguration>();
        var url = configuration["ASPNETCORE_URLS"]?.Split(';').FirstOrDefault() ?? dashboard.Annotations.OfType<EndpointAnnotation>().FirstOrDefault(e => e.AllocatedEndpoint is not null)?.AllocatedEndpoint?.UriString;
        var token = configuration["AppHost:BrowserToken"];
        return url is null || string.IsNullOrEmpty(token) ? url : $"{url.TrimEnd('/')}/login?t={token}";
    }
}
