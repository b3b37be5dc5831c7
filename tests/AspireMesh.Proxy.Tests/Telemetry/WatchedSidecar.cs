using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using AspireMesh.Proxy.Control;
using AspireMesh.Proxy.Telemetry;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Proxy.Tests.Telemetry;

/// <summary>The real telemetry of one sidecar, with its measurements, span events and access log kept for a look.</summary>
internal sealed class WatchedSidecar : ILogger, IDisposable
{
    private readonly MeterListener _meters = new();
    private readonly ActivityListener _spans;

    public WatchedSidecar(string workload)
    {
        var scope = $"watched-{Guid.NewGuid():N}";
        _meters.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == scope) listener.EnableMeasurementEvents(instrument);
        };
        _meters.SetMeasurementEventCallback<long>((instrument, _, tags, _) => Measured.Enqueue($"{instrument.Name} {string.Join(' ', tags.ToArray().OrderBy(t => t.Key, StringComparer.Ordinal).Select(t => $"{t.Key}={t.Value}"))}"));
        _meters.Start();
        _spans = new ActivityListener
        {
            ShouldListenTo = source => source.Name == scope,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = span =>
            {
                foreach (var one in span.Events) SpanEvents.Enqueue($"{one.Name} {string.Join(' ', one.Tags.Select(t => $"{t.Key}={t.Value}"))}");
            },
        };
        ActivitySource.AddActivityListener(_spans);
        Events = new MeshTelemetry(workload, scope, new NoIdentity(), new TapPoint(), new AccessLog(this, 1000, TimeProvider.System), TimeProvider.System);
    }

    public MeshTelemetry Events { get; }

    /// <summary>Measurements: the metric's name, then its attributes in order.</summary>
    public ConcurrentQueue<string> Measured { get; } = new();

    /// <summary>Events of spans that have ended.</summary>
    public ConcurrentQueue<string> SpanEvents { get; } = new();

    /// <summary>Lines of the access log.</summary>
    public ConcurrentQueue<string> Lines { get; } = new();

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => Lines.Enqueue(formatter(state, exception));

    public void Dispose()
    {
        _meters.Dispose();
        _spans.Dispose();
        Events.Instruments.Dispose();
        Events.Spans.Dispose();
    }

    private sealed class NoIdentity : IIdentityGauges
    {
        public DateTimeOffset? SvidExpires => null;

        public string? SvidSerial => null;

        public bool IsConnected => false;
    }
}
