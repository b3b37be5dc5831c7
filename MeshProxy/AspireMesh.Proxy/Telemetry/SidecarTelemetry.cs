using System.Collections.Concurrent;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Admin;
using AspireMesh.Proxy.Control;
using Microsoft.Extensions.Logging;
using OpenTelemetry.Metrics;

namespace AspireMesh.Proxy.Telemetry;

/// <summary>Everything one sidecar measures with and exports through, from its options and the environment.</summary>
internal sealed class SidecarTelemetry : IAsyncDisposable
{
    private static readonly ConcurrentDictionary<string, byte> Scopes = new(StringComparer.Ordinal);
    private readonly string _scope;
    private readonly OtlpExport _export;

    /// <summary>Makes the telemetry of a sidecar.</summary>
    public SidecarTelemetry(SidecarBootstrap bootstrap, MeshSidecarOptions options, IIdentityGauges identity)
    {
        _scope = ReserveScope(bootstrap.Instance);
        Metrics = new PrometheusMetrics();
        _export = new OtlpExport(OtlpSettings.From(bootstrap.Workload, bootstrap.Instance, options), _scope, Metrics.Reader);
        Loggers = _export.Logs is { } logs ? new TeeLoggerFactory(options.LoggerFactory, logs) : options.LoggerFactory;
        Taps = new TapPoint();
        var accessLog = new AccessLog(_export.Logs?.CreateLogger(MeshNames.AccessLog), options.AccessLogPerSecond, options.TimeProvider);
        Events = new MeshTelemetry(bootstrap.Workload, _scope, identity, Taps, accessLog, options.TimeProvider, this);
    }

    /// <summary>What the data plane calls.</summary>
    public MeshTelemetry Events { get; }

    /// <summary>Where the sidecar's parts log: the process's loggers, and OTLP where there is a receiver.</summary>
    public ILoggerFactory Loggers { get; }

    /// <summary>Where requests are shown to a tap.</summary>
    public TapPoint Taps { get; }

    /// <summary>The text of <c>/metrics</c>.</summary>
    public PrometheusMetrics Metrics { get; }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _export.DisposeAsync();
        Scopes.TryRemove(_scope, out _);
    }

    // Meters and activity sources are found by name in the whole process, so sidecars in one process need names that differ; alone, a sidecar has the plain one.
    private static string ReserveScope(string instance)
    {
        if (Scopes.TryAdd(MeshNames.Scope, 0)) return MeshNames.Scope;
        for (var i = 1; ; i++)
        {
            var scope = i == 1 ? $"{MeshNames.Scope}/{instance}" : $"{MeshNames.Scope}/{instance}#{i}";
            if (Scopes.TryAdd(scope, 0)) return scope;
        }
    }
}
