using Microsoft.Extensions.Configuration;

namespace AspireMesh.Simulator.Dashboard.Start;

/// <summary>Names shared by the dashboard's parts: configuration keys as Aspire spells them, and the dashboard's endpoints.</summary>
internal static class DashboardKeys
{
    internal const string ResourceName = "aspire-dashboard";
    internal const string OtlpGrpcEndpoint = "otlp-grpc";
    internal const string OtlpHttpEndpoint = "otlp-http";

    internal const string FrontendUrls = "ASPNETCORE_URLS";
    internal const string OtlpGrpcUrl = "ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL";
    internal const string OtlpHttpUrl = "ASPIRE_DASHBOARD_OTLP_HTTP_ENDPOINT_URL";
    internal const string ResourceServiceUrl = "ASPIRE_RESOURCE_SERVICE_ENDPOINT_URL";
    internal const string BrowserTokenGiven = "ASPIRE_DASHBOARD_FRONTEND_BROWSERTOKEN";
    internal const string ResourceServiceApiKeyGiven = "ASPIRE_DASHBOARD_RESOURCESERVICE_APIKEY";
    internal const string Unsecured = "ASPIRE_DASHBOARD_UNSECURED_ALLOW_ANONYMOUS";
    internal const string ShowDashboard = "ASPIRE_SHOW_DASHBOARD_RESOURCES";
    internal const string DashboardPath = "ASPIRE_DASHBOARD_PATH";
    internal const string DashboardPathSwitch = "DcpPublisher:DashboardPath";

    /// <summary>Set to false, a missing dashboard is reported and not installed.</summary>
    internal const string Install = "ASPIREMESH_DASHBOARD_INSTALL";

    internal const string OtlpApiKey = "AppHost:OtlpApiKey";
    internal const string TelemetryApiKey = "AppHost:DashboardApiKey";
    internal const string BrowserToken = "AppHost:BrowserToken";
    internal const string ResourceServiceAuthMode = "AppHost:ResourceService:AuthMode";
    internal const string ResourceServiceApiKey = "AppHost:ResourceService:ApiKey";
    internal const string ApplicationName = "AppHost:DashboardApplicationName";

    /// <summary>The value of a key, by its current name or the older DOTNET_ spelling; null where neither is set.</summary>
    internal static string? Read(IConfiguration configuration, string name)
    {
        var value = configuration[name];
        if (string.IsNullOrWhiteSpace(value) && name.StartsWith("ASPIRE_", StringComparison.Ordinal))
        {
            value = configuration["DOTNET_" + name["ASPIRE_".Length..]];
        }

        return string.IsNullOrWhiteSpace(value) ? null : value;
    }

    internal static bool ReadFlag(IConfiguration configuration, string name, bool otherwise) =>
        Read(configuration, name) is { } text ? text == "1" || (bool.TryParse(text, out var flag) && flag) : otherwise;
}
