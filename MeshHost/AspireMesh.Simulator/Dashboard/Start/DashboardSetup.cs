using System.Security.Cryptography;
using Aspire.Hosting.Lifecycle;
using AspireMesh.Simulator.Dashboard.Feed;
using AspireMesh.Simulator.Dashboard.Install;
using AspireMesh.Simulator.Dashboard.Service;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace AspireMesh.Simulator.Dashboard.Start;

/// <summary>Adds the dashboard to an application that runs; called once by the application builder, before user code sees it.</summary>
internal static class DashboardSetup
{
    /// <summary>Makes up the keys and tokens that nobody gave, and registers what starts and feeds the dashboard.</summary>
    /// <param name="services">The application's services.</param>
    /// <param name="configuration">Gets the keys under the names Aspire uses, so that extensions find them there.</param>
    /// <param name="applicationName">The page's title, where configuration names none.</param>
    /// <param name="mayInstall">False in tests: a missing dashboard is then never installed.</param>
    internal static void AddDashboard(this IServiceCollection services, ConfigurationManager configuration, string applicationName, bool mayInstall)
    {
        var keys = MakeKeys(configuration);
        keys[DashboardKeys.ApplicationName] = configuration[DashboardKeys.ApplicationName] ?? applicationName;
        configuration.AddInMemoryCollection(keys);
        services.AddSingleton(new DashboardInstallChoice(mayInstall && DashboardKeys.ReadFlag(configuration, DashboardKeys.Install, otherwise: true)));
        services.AddSingleton<DashboardInstaller>();
        services.AddSingleton<DashboardFinder>();
        services.AddSingleton<ResourceFeed>();
        services.AddSingleton<ResourceServiceHost>();
        services.AddEventingSubscriber<DashboardSubscriber>();
    }

    private static Dictionary<string, string?> MakeKeys(IConfiguration configuration)
    {
        if (DashboardKeys.ReadFlag(configuration, DashboardKeys.Unsecured, otherwise: false))
        {
            return new() { [DashboardKeys.ResourceServiceAuthMode] = "Unsecured" };
        }

        return new()
        {
            [DashboardKeys.OtlpApiKey] = configuration[DashboardKeys.OtlpApiKey] ?? MakeToken(),
            [DashboardKeys.TelemetryApiKey] = configuration[DashboardKeys.TelemetryApiKey] ?? MakeToken(),
            [DashboardKeys.BrowserToken] = DashboardKeys.Read(configuration, DashboardKeys.BrowserTokenGiven) ?? MakeToken(),
            [DashboardKeys.ResourceServiceAuthMode] = "ApiKey",
            [DashboardKeys.ResourceServiceApiKey] = DashboardKeys.Read(configuration, DashboardKeys.ResourceServiceApiKeyGiven) ?? MakeToken(),
        };
    }

    private static string MakeToken() => RandomNumberGenerator.GetHexString(32, lowercase: true);
}

/// <summary>Whether a missing dashboard may be installed.</summary>
internal sealed record DashboardInstallChoice(bool Allowed);
