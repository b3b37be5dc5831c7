using System.Globalization;
using System.Text;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace AspireMesh.Proxy.Admin;

/// <summary>
/// Writes metrics in Prometheus' text format 0.0.4. Names follow OpenTelemetry's "Prometheus and OpenMetrics Compatibility": characters outside
/// <c>[a-zA-Z0-9_:]</c> become <c>_</c>, the unit is a suffix, a counter ends in <c>_total</c>.
/// </summary>
internal sealed class PrometheusText
{
    private readonly StringBuilder _text = new();

    /// <inheritdoc/>
    public override string ToString() => _text.ToString();

    /// <summary>Appends a metric.</summary>
    public void Write(Metric metric)
    {
        var monotonic = metric.MetricType is MetricType.LongSum or MetricType.DoubleSum;
        var name = NameOf(metric.Name, metric.Unit, monotonic);
        _text.Append("# HELP ").Append(name).Append(' ').Append(EscapeHelp(metric.Description)).Append('\n');
        _text.Append("# TYPE ").Append(name).Append(' ').Append(TypeOf(metric.MetricType)).Append('\n');
        foreach (ref readonly var point in metric.GetMetricPoints())
        {
            switch (metric.MetricType)
            {
                case MetricType.Histogram: WriteHistogram(name, point); break;
                case MetricType.LongSum or MetricType.LongSumNonMonotonic: WriteLine(name, point.Tags, null, point.GetSumLong()); break;
                case MetricType.DoubleSum or MetricType.DoubleSumNonMonotonic: WriteLine(name, point.Tags, null, point.GetSumDouble()); break;
                case MetricType.LongGauge: WriteLine(name, point.Tags, null, point.GetGaugeLastValueLong()); break;
                case MetricType.DoubleGauge: WriteLine(name, point.Tags, null, point.GetGaugeLastValueDouble()); break;
            }
        }
    }

    /// <summary>A metric's Prometheus name.</summary>
    public static string NameOf(string name, string unit, bool monotonic)
    {
        var text = new StringBuilder(name.Length + 16);
        foreach (var c in name) text.Append(char.IsAsciiLetterOrDigit(c) || c == ':' ? c : '_');
        var suffix = unit switch { "s" => "_seconds", "By" => "_bytes", _ => "" };
        text.Append(suffix);
        if (monotonic) text.Append("_total");
        return text.ToString();
    }

    private static string TypeOf(MetricType type) => type switch
    {
        MetricType.Histogram => "histogram",
        MetricType.LongSum or MetricType.DoubleSum => "counter",
        _ => "gauge",
    };

    private void WriteHistogram(string name, in MetricPoint point)
    {
        long seen = 0;
        foreach (var bucket in point.GetHistogramBuckets())
        {
            seen += bucket.BucketCount;
            var bound = double.IsPositiveInfinity(bucket.ExplicitBound) ? "+Inf" : bucket.ExplicitBound.ToString(CultureInfo.InvariantCulture);
            WriteLine(name + "_bucket", point.Tags, bound, seen);
        }
        WriteLine(name + "_sum", point.Tags, null, point.GetHistogramSum());
        WriteLine(name + "_count", point.Tags, null, point.GetHistogramCount());
    }

    private void WriteLine(string name, ReadOnlyTagCollection tags, string? bound, double value)
    {
        _text.Append(name);
        var first = true;
        foreach (var (key, tag) in tags) WriteLabel(key, Convert.ToString(tag, CultureInfo.InvariantCulture) ?? "", ref first);
        if (bound is not null) WriteLabel("le", bound, ref first);
        if (!first) _text.Append('}');
        _text.Append(' ').Append(value.ToString(CultureInfo.InvariantCulture)).Append('\n');
    }

    private void WriteLabel(string key, string value, ref bool first)
    {
        _text.Append(first ? '{' : ',');
        first = false;
        foreach (var c in key) _text.Append(char.IsAsciiLetterOrDigit(c) ? c : '_');
        _text.Append("=\"").Append(value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal)).Append('"');
    }

    private static string EscapeHelp(string text) => text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
}
