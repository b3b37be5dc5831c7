using System.Net.Sockets;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;

namespace AspireMesh.Simulator.Dashboard.Start;

/// <summary>The dashboard as a resource of the model, named and shaped as Aspire's, so that it is started, logged and ended like every other process.</summary>
internal static class DashboardResource
{
    internal static ExecutableResource Create(string path, DashboardEnvironment variables, IConfiguration configuration)
    {
        var dashboard = new ExecutableResource(DashboardKeys.ResourceName, path, Path.GetDirectoryName(path) ?? "");
        var frontends = (DashboardKeys.Read(configuration, DashboardKeys.FrontendUrls) ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        foreach (var url in ChooseFrontends(frontends))
        {
            AddEndpoint(dashboard, url is null ? "http" : BindingAddress.Parse(url).Scheme, url, "http");
        }

        AddEndpoint(dashboard, DashboardKeys.OtlpGrpcEndpoint, DashboardKeys.Read(configuration, DashboardKeys.OtlpGrpcUrl), "http2");
        AddEndpoint(dashboard, DashboardKeys.OtlpHttpEndpoint, DashboardKeys.Read(configuration, DashboardKeys.OtlpHttpUrl), "http");
        dashboard.Annotations.Add(new CommandLineArgsCallbackAnnotation(args => args.Insert(0, "dashboard")));
        dashboard.Annotations.Add(new EnvironmentCallbackAnnotation(variables.Write));
        dashboard.Annotations.Add(new ResourceIconAnnotation("ContentView"));
        dashboard.Annotations.Add(ManifestPublishingCallbackAnnotation.Ignore);
        dashboard.Annotations.Add(new ResourceSnapshotAnnotation(new CustomResourceSnapshot
        {
            ResourceType = "Executable",
            Properties = [],
            IsHidden = !DashboardKeys.ReadFlag(configuration, DashboardKeys.ShowDashboard, otherwise: false),
        }));
        return dashboard;
    }

    /// <summary>Where a browser goes: https where it is offered.</summary>
    internal static EndpointReference FindFrontend(IResourceWithEndpoints dashboard)
    {
        var https = dashboard.GetEndpoint("https");
        return https.Exists ? https : dashboard.GetEndpoint("http");
    }

    // A launch profile made for Aspire names an https and an http address. Without a developer certificate only the second can be opened.
    private static IEnumerable<string?> ChooseFrontends(IReadOnlyList<string> urls)
    {
        var http = urls.Where(u => u.StartsWith("http://", StringComparison.OrdinalIgnoreCase)).Take(1);
        var https = urls.Where(u => u.StartsWith("https://", StringComparison.OrdinalIgnoreCase)).Take(DeveloperCertificate.Exists() ? 1 : 0);
        string?[] chosen = [.. https, .. http];
        return chosen.Length > 0 ? chosen : [null];
    }

    private static void AddEndpoint(ExecutableResource dashboard, string name, string? url, string transport)
    {
        var address = url is null ? null : BindingAddress.Parse(url);
        var scheme = address?.Scheme == "https" && DeveloperCertificate.Exists() ? "https" : "http";
        var host = address?.Host is { } given && given is not "*" and not "+" ? given : "127.0.0.1";
        // Not proxied: the dashboard itself owns the ports, so what services send it takes no detour.
        dashboard.Annotations.Add(new EndpointAnnotation(ProtocolType.Tcp, uriScheme: scheme, transport: transport, name: name, port: address?.Port is > 0 and var port ? port : null, isProxied: false)
        {
            TargetHost = host,
        });
    }
}
