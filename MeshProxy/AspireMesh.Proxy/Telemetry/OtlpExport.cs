using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace AspireMesh.Proxy.Telemetry;

/// <summary>
/// The OpenTelemetry SDK of one sidecar: providers of its own with its own service name, so that sidecars which share a process stay apart.
/// Metrics are always collected, for <c>/metrics</c>; traces and logs only where there is a receiver.
/// </summary>
internal sealed class OtlpExport : IAsyncDisposable
{
    private const int RequestKinds = 1000;
    private const int OtherKinds = 200;
    private const int ShutdownMilliseconds = 3000;
    private readonly MeterProvider _meters;
    private readonly TracerProvider? _tracers;
    private readonly ILoggerFactory? _logs;

    /// <param name="settings">Where it goes.</param>
    /// <param name="scope">Name of meter and activity source.</param>
    /// <param name="local">Reads metrics for <c>/metrics</c>.</param>
    public OtlpExport(OtlpSettings settings, string scope, MetricReader local)
    {
        var resource = ResourceOf(settings);
        var meters = Sdk.CreateMeterProviderBuilder().SetResourceBuilder(resource).AddMeter(scope).AddView(Limit).AddReader(local);
        if (settings.IsOn)
        {
            meters = meters.AddOtlpExporter((o, reader) =>
            {
                settings.Apply(o, "v1/metrics");
                var periodic = reader.PeriodicExportingMetricReaderOptions;
                if (settings.Interval is { } interval) periodic.ExportIntervalMilliseconds = (int)interval.TotalMilliseconds;
            });
            _tracers = Sdk.CreateTracerProviderBuilder().SetResourceBuilder(resource).AddSource(scope).AddOtlpExporter(o =>
            {
                settings.Apply(o, "v1/traces");
                o.BatchExportProcessorOptions.ScheduledDelayMilliseconds = settings.IntervalOr(o.BatchExportProcessorOptions.ScheduledDelayMilliseconds);
            }).Build();
            _logs = LoggerFactory.Create(logging => logging.AddOpenTelemetry(o =>
            {
                o.SetResourceBuilder(resource);
                o.IncludeFormattedMessage = true;
                o.AddOtlpExporter((e, processor) =>
                {
                    settings.Apply(e, "v1/logs");
                    var batch = processor.BatchExportProcessorOptions;
                    batch.ScheduledDelayMilliseconds = settings.IntervalOr(batch.ScheduledDelayMilliseconds);
                });
            }));
        }
        _meters = meters.Build();
    }

    /// <summary>Makes loggers whose records are exported; null without a receiver.</summary>
    public ILoggerFactory? Logs => _logs;

    /// <summary>Sends what is left, for a bounded time: a receiver that went away must not hold up a stop.</summary>
    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(
            Task.Run(() => _meters.Shutdown(ShutdownMilliseconds)),
            Task.Run(() => _tracers?.Shutdown(ShutdownMilliseconds)),
            Task.Run(() => _logs?.Dispose()));
        _meters.Dispose();
        _tracers?.Dispose();
    }

    private static ResourceBuilder ResourceOf(OtlpSettings settings)
    {
        var resource = ResourceBuilder.CreateEmpty().AddTelemetrySdk().AddService(settings.ServiceName, serviceVersion: Control.ProxyVersion.Text, serviceInstanceId: settings.Instance);
        return settings.FromEnvironment ? resource.AddEnvironmentVariableDetector() : resource;
    }

    // The SDK reserves memory for every point a metric may have, and a sidecar is held to 25 MB.
    private static MetricStreamConfiguration Limit(System.Diagnostics.Metrics.Instrument instrument) => instrument.Name switch
    {
        MeshNames.ClientDuration or MeshNames.ServerDuration => new MetricStreamConfiguration { CardinalityLimit = RequestKinds },
        _ => new MetricStreamConfiguration { CardinalityLimit = OtherKinds },
    };
}
