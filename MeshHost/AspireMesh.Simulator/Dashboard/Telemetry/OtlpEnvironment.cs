using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using AspireMesh.Simulator.Dashboard.Start;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace AspireMesh.Simulator.Dashboard.Telemetry;

/// <summary>The <c>OTEL_*</c> variables of one resource (names: OpenTelemetry specification, SDK environment variables).</summary>
internal sealed class OtlpEnvironment(IResource resource, IConfiguration configuration, IHostEnvironment environment)
{
    /// <summary>Where nothing says otherwise; a dashboard on its own listens there.</summary>
    private const string DefaultUrl = "http://localhost:18889";

    /// <summary>Replaced by each replica's own id when its process starts; the text is the one DCP knows.</summary>
    internal const string InstanceIdTemplate = "{{- index .Annotations \"otel-service-instance-id\" -}}";

    internal void Write(EnvironmentCallbackContext context)
    {
        if (context.ExecutionContext.IsPublishMode || !resource.TryGetLastAnnotation<OtlpExporterAnnotation>(out var exporter))
        {
            return;
        }

        var variables = context.EnvironmentVariables;
        var (endpoint, protocol) = FindEndpoint(context, exporter.RequiredProtocol);
        variables["OTEL_EXPORTER_OTLP_ENDPOINT"] = endpoint;
        variables["OTEL_EXPORTER_OTLP_PROTOCOL"] = protocol;
        variables["OTEL_SERVICE_NAME"] = resource.Name;
        variables["OTEL_RESOURCE_ATTRIBUTES"] = "service.instance.id=" + InstanceIdTemplate;
        if (configuration[DashboardKeys.OtlpApiKey] is { Length: > 0 } key)
        {
            variables["OTEL_EXPORTER_OTLP_HEADERS"] = "x-otlp-api-key=" + key;
        }

        if (environment.IsDevelopment())
        {
            // Batches every second and every trace: on a laptop one wants to see the request just made.
            variables["OTEL_BLRP_SCHEDULE_DELAY"] = "1000";
            variables["OTEL_BSP_SCHEDULE_DELAY"] = "1000";
            variables["OTEL_METRIC_EXPORT_INTERVAL"] = "1000";
            variables["OTEL_TRACES_SAMPLER"] = "always_on";
            variables["OTEL_METRICS_EXEMPLAR_FILTER"] = "trace_based";
        }
    }

    private (object Endpoint, string Protocol) FindEndpoint(EnvironmentCallbackContext context, OtlpProtocol? required)
    {
        if (FindDashboard(context) is { } dashboard)
        {
            var grpc = dashboard.GetEndpoint(DashboardKeys.OtlpGrpcEndpoint);
            var http = dashboard.GetEndpoint(DashboardKeys.OtlpHttpEndpoint);
            if (Choose(required, grpc.Exists, http.Exists) is { } protocol)
            {
                return (protocol == "grpc" ? grpc : http, protocol);
            }
        }

        var grpcUrl = DashboardKeys.Read(configuration, DashboardKeys.OtlpGrpcUrl);
        var httpUrl = DashboardKeys.Read(configuration, DashboardKeys.OtlpHttpUrl);
        return Choose(required, grpcUrl is not null, httpUrl is not null) switch
        {
            "grpc" => (grpcUrl!, "grpc"),
            { } overHttp => (httpUrl!, overHttp),
            null when required is OtlpProtocol.HttpProtobuf or OtlpProtocol.HttpJson => throw new DistributedApplicationException(
                $"The resource '{resource.Name}' exports telemetry over HTTP only, and no such address is known: set {DashboardKeys.OtlpHttpUrl}, for example http://127.0.0.1:4318."),
            null => (DefaultUrl, "grpc"),
        };
    }

    private static string? Choose(OtlpProtocol? required, bool grpc, bool http) => (required, grpc, http) switch
    {
        (OtlpProtocol.Grpc, true, _) => "grpc",
        (OtlpProtocol.HttpProtobuf, _, true) => "http/protobuf",
        (OtlpProtocol.HttpJson, _, true) => "http/json",
        (null, true, _) => "grpc",
        (null, _, true) => "http/protobuf",
        _ => null,
    };

    private static IResourceWithEndpoints? FindDashboard(EnvironmentCallbackContext context)
    {
        var model = context.ExecutionContext.Services.GetService<DistributedApplicationModel>();
        return model?.Resources.FirstOrDefault(r => r.Name == DashboardKeys.ResourceName) as IResourceWithEndpoints;
    }
}
