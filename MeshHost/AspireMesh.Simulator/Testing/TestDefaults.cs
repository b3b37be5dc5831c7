using System.Reflection;
using Aspire.Hosting;
using AspireMesh.Simulator.ProjectFiles;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace AspireMesh.Simulator.Testing;

/// <summary>What differs in tests: no dashboard, random ports, the variables of the AppHost's first launch profile.</summary>
internal static class TestDefaults
{
    public static void Apply(DistributedApplicationOptions options, HostApplicationBuilderSettings settings, Assembly? appHost)
    {
        options.DisableDashboard = true;
        options.AllowUnsecuredTransport = true;
        var configuration = settings.Configuration ??= new ConfigurationManager();
        var values = FirstProfile(appHost);
        values["DcpPublisher:RandomizePorts"] = "true";
        configuration.AddInMemoryCollection(values);
        settings.EnvironmentName ??= values.GetValueOrDefault("DOTNET_ENVIRONMENT") ?? values.GetValueOrDefault("ASPNETCORE_ENVIRONMENT");
    }

    private static Dictionary<string, string?> FirstProfile(Assembly? appHost)
    {
        var directory = appHost?.GetCustomAttributes<AssemblyMetadataAttribute>().FirstOrDefault(m => m.Key == "apphostprojectpath")?.Value;
        if (directory is null)
        {
            return [];
        }

        var profile = LaunchProfiles.Read(new ProjectAtPath(Path.Combine(directory, "AppHost.csproj")))?.Profiles.Values.FirstOrDefault();
        return profile?.EnvironmentVariables.ToDictionary(v => v.Key.Replace("__", ":", StringComparison.Ordinal), v => (string?)v.Value) ?? [];
    }
}
