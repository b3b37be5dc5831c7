using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace AspireMesh.Proxy.Admin;

/// <summary>Collects the sidecar's metrics when asked and gives them as Prometheus text.</summary>
internal sealed class PrometheusMetrics
{
    private readonly PullExporter _exporter = new();
    private readonly Lock _gate = new();

    public PrometheusMetrics() => Reader = new BaseExportingMetricReader(_exporter) { TemporalityPreference = MetricReaderTemporalityPreference.Cumulative };

    /// <summary>To be added to the meter provider.</summary>
    public BaseExportingMetricReader Reader { get; }

    /// <summary>The text now.</summary>
    public string Collect()
    {
        lock (_gate)
        {
            _exporter.Text = "";
            Reader.Collect();
            return _exporter.Text;
        }
    }

    // Marked as a push exporter, because the SDK lets a reader of a pull exporter collect only through an interface it keeps to itself.
    [ExportModes(ExportModes.Push)]
    private sealed class PullExporter : BaseExporter<Metric>
    {
        public string Text { get; set; } = "";

        public override ExportResult Export(in Batch<Metric> batch)
        {
            var text = new PrometheusText();
            foreach (var metric in batch) text.Write(metric);
            Text = text.ToString();
            return ExportResult.Success;
        }
    }
}
