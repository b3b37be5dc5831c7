using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace AspireMesh.Proxy;

/// <summary>What a sidecar takes from the process it runs in. Many sidecars can run in one process, each with options of its own.</summary>
public sealed class MeshSidecarOptions
{
    /// <summary>The clock. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Where the sidecar logs. Default: nowhere.</summary>
    public ILoggerFactory LoggerFactory { get; init; } = NullLoggerFactory.Instance;

    /// <summary>Seed of every choice left to chance. Default 1.</summary>
    public int Seed { get; init; } = 1;

    /// <summary><c>service.name</c> of the telemetry. Default: <c>OTEL_SERVICE_NAME</c>, else the workload's name with <c>-sidecar</c>.</summary>
    public string? ServiceName { get; init; }

    /// <summary>Where telemetry goes. Default: <c>OTEL_EXPORTER_OTLP_ENDPOINT</c>; none where neither is set.</summary>
    public string? OtlpEndpoint { get; init; }

    /// <summary>Headers of the telemetry's requests, <c>name=value</c>, comma separated. Default: <c>OTEL_EXPORTER_OTLP_HEADERS</c>.</summary>
    public string? OtlpHeaders { get; init; }

    /// <summary><c>grpc</c> or <c>http/protobuf</c>. Default: <c>OTEL_EXPORTER_OTLP_PROTOCOL</c>, else <c>grpc</c>.</summary>
    public string? OtlpProtocol { get; init; }

    /// <summary>How often traces, logs and metrics are sent. Default: <c>OTEL_BSP_SCHEDULE_DELAY</c>, <c>OTEL_BLRP_SCHEDULE_DELAY</c> and <c>OTEL_METRIC_EXPORT_INTERVAL</c>, else the SDK's.</summary>
    public TimeSpan? OtlpInterval { get; init; }

    /// <summary>The most records of successful requests in the access log each second, and as many of refusals (4xx); failures are always written. Default 200; 0 for failures only.</summary>
    public int AccessLogPerSecond { get; init; } = 200;

    /// <summary>
    /// Whether the process is this sidecar's alone, so that it may run its connections on the threads that wait for sockets: fewer thread switches for each
    /// request, but what blocks one of these threads blocks all their connections. Default false.
    /// </summary>
    public bool OwnsProcess { get; init; }
}
