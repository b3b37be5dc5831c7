using OpenTelemetry.Exporter;

namespace AspireMesh.Proxy.Telemetry;

/// <summary>Where a sidecar's telemetry goes. A null endpoint leaves it to the <c>OTEL_</c> variables of the process.</summary>
/// <param name="ServiceName"><c>service.name</c>.</param>
/// <param name="Instance"><c>service.instance.id</c>.</param>
/// <param name="FromEnvironment">Whether the process and its variables are this sidecar's own: they then win over name and instance.</param>
/// <param name="Endpoint">The receiver, or null.</param>
/// <param name="Headers"><c>name=value</c>, comma separated.</param>
/// <param name="Protocol"><c>grpc</c> or <c>http/protobuf</c>.</param>
/// <param name="Interval">How often it is sent; null for the variables' or the SDK's.</param>
internal sealed record OtlpSettings(string ServiceName, string Instance, bool FromEnvironment, string? Endpoint, string? Headers, string? Protocol, TimeSpan? Interval)
{
    private const string EndpointVariable = "OTEL_EXPORTER_OTLP_ENDPOINT";
    private const string DisabledVariable = "OTEL_SDK_DISABLED";
    private const string NameVariable = "OTEL_SERVICE_NAME";

    /// <summary>Whether anything is exported: without a receiver the SDK would try localhost for ever.</summary>
    public bool IsOn => Endpoint is not null || FromVariables;

    private static bool FromVariables =>
        !string.IsNullOrEmpty(Environment.GetEnvironmentVariable(EndpointVariable))
        && !string.Equals(Environment.GetEnvironmentVariable(DisabledVariable), "true", StringComparison.OrdinalIgnoreCase);

    /// <summary>Reads options and environment.</summary>
    public static OtlpSettings From(string workload, string instance, MeshSidecarOptions options) => new(
        options.ServiceName ?? Environment.GetEnvironmentVariable(NameVariable) ?? $"{workload}-sidecar",
        instance,
        options.ServiceName is null,
        options.OtlpEndpoint,
        options.OtlpHeaders,
        options.OtlpProtocol,
        options.OtlpInterval);

    /// <summary>The interval for an option that has one; the given value stays where none was set.</summary>
    public int IntervalOr(int milliseconds) => Interval is { } set ? (int)set.TotalMilliseconds : milliseconds;

    /// <summary>Writes an endpoint that was given into an exporter's options; a path is appended where the protocol has one per signal (OTLP specification, "Endpoint URLs").</summary>
    public void Apply(OtlpExporterOptions options, string signalPath)
    {
        if (Endpoint is null) return;
        var http = string.Equals(Protocol, "http/protobuf", StringComparison.OrdinalIgnoreCase);
        options.Protocol = http ? OtlpExportProtocol.HttpProtobuf : OtlpExportProtocol.Grpc;
        options.Endpoint = http ? new Uri(new Uri(Endpoint.TrimEnd('/') + "/"), signalPath) : new Uri(Endpoint);
        options.Headers = Headers ?? "";
    }
}
