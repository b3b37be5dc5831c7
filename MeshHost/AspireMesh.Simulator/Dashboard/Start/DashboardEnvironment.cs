using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace AspireMesh.Simulator.Dashboard.Start;

/// <summary>The variables the dashboard's process is told its addresses and keys by.</summary>
internal sealed class DashboardEnvironment(IConfiguration configuration, IHostEnvironment environment, Uri resourceService)
{
    private const string PassedOn = "ASPIRE_DASHBOARD_";

    // These are the host's own reading of ASPIRE_DASHBOARD_ settings; the dashboard gets them under its own names below.
    private static readonly HashSet<string> Translated = new(StringComparer.OrdinalIgnoreCase)
    {
        DashboardKeys.OtlpGrpcUrl, DashboardKeys.OtlpHttpUrl, DashboardKeys.BrowserTokenGiven, DashboardKeys.ResourceServiceApiKeyGiven, DashboardKeys.Unsecured, DashboardKeys.DashboardPath,
    };

    internal void Write(EnvironmentCallbackContext context)
    {
        var variables = context.EnvironmentVariables;
        foreach (var (name, value) in configuration.AsEnumerable())
        {
            if (name.StartsWith(PassedOn, StringComparison.OrdinalIgnoreCase) && value is not null && !Translated.Contains(name))
            {
                variables[name] = value;
            }
        }

        var dashboard = (IResourceWithEndpoints)context.Resource;
        variables["ASPNETCORE_ENVIRONMENT"] = environment.EnvironmentName;
        variables[DashboardKeys.FrontendUrls] = Join(dashboard, "https", "http");
        variables[DashboardKeys.OtlpGrpcUrl] = Join(dashboard, DashboardKeys.OtlpGrpcEndpoint);
        variables[DashboardKeys.OtlpHttpUrl] = Join(dashboard, DashboardKeys.OtlpHttpEndpoint);
        variables[DashboardKeys.ResourceServiceUrl] = resourceService.ToString();
        WriteKey(variables, "FRONTEND", "BROWSERTOKEN", "BrowserToken", configuration[DashboardKeys.BrowserToken]);
        WriteKey(variables, "OTLP", "PRIMARYAPIKEY", "ApiKey", configuration[DashboardKeys.OtlpApiKey]);
        WriteKey(variables, "API", "PRIMARYAPIKEY", "ApiKey", configuration[DashboardKeys.TelemetryApiKey]);
        WriteKey(variables, "RESOURCESERVICECLIENT", "APIKEY", "ApiKey", configuration[DashboardKeys.ResourceServiceApiKey]);
        variables["ASPIRE_DASHBOARD_API_ENABLED"] = "true";
        // It must not inherit the AppHost's: its own log would be sent back to itself.
        variables["OTEL_EXPORTER_OTLP_ENDPOINT"] = "";
    }

    private static void WriteKey(Dictionary<string, object> variables, string part, string setting, string mode, string? key)
    {
        var secured = !string.IsNullOrEmpty(key);
        variables[$"DASHBOARD__{part}__AUTHMODE"] = secured ? mode : "Unsecured";
        if (secured)
        {
            variables[$"DASHBOARD__{part}__{setting}"] = key!;
        }
    }

    private static ReferenceExpression Join(IResourceWithEndpoints dashboard, params string[] names)
    {
        var urls = new ReferenceExpressionBuilder();
        foreach (var endpoint in names.Select(name => dashboard.GetEndpoint(name)).Where(e => e.Exists))
        {
            if (!urls.IsEmpty)
            {
                urls.AppendLiteral(";");
            }

            urls.AppendFormatted(endpoint.Property(EndpointProperty.Scheme));
            urls.AppendLiteral($"://{endpoint.EndpointAnnotation.TargetHost}:");
            urls.AppendFormatted(endpoint.Property(EndpointProperty.TargetPort));
        }

        return urls.Build();
    }
}
