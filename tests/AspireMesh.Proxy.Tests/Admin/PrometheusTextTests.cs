using System.Diagnostics.Metrics;
using AspireMesh.Proxy.Admin;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace AspireMesh.Proxy.Tests.Admin;

public sealed class PrometheusTextTests
{
    [Fact]
    public void Metrics_are_written_with_prometheus_names_units_and_escapes()
    {
        var name = $"test-{Guid.NewGuid():N}";
        using var meter = new Meter(name);
        var metrics = new PrometheusMetrics();
        using var provider = Sdk.CreateMeterProviderBuilder().AddMeter(name).AddReader(metrics.Reader).Build();
        var durations = meter.CreateHistogram<double>("http.server.request.duration", "s", "How long.", advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.1, 1] });
        durations.Record(0.05, new KeyValuePair<string, object?>("mesh.route", "a \"quoted\" one"));
        durations.Record(0.5, new KeyValuePair<string, object?>("mesh.route", "a \"quoted\" one"));
        meter.CreateCounter<long>("aspiremesh.refusals", "{refusal}", "Refused.").Add(3);
        meter.CreateCounter<long>("aspiremesh.connection.io", "By", "Bytes.").Add(7);
        meter.CreateObservableGauge("aspiremesh.svid.expiry", () => 12.5, "s", "Left.");

        Assert.Equal(
            """
            # HELP http_server_request_duration_seconds How long.
            # TYPE http_server_request_duration_seconds histogram
            http_server_request_duration_seconds_bucket{mesh_route="a \"quoted\" one",le="0.1"} 1
            http_server_request_duration_seconds_bucket{mesh_route="a \"quoted\" one",le="1"} 2
            http_server_request_duration_seconds_bucket{mesh_route="a \"quoted\" one",le="+Inf"} 2
            http_server_request_duration_seconds_sum{mesh_route="a \"quoted\" one"} 0.55
            http_server_request_duration_seconds_count{mesh_route="a \"quoted\" one"} 2
            # HELP aspiremesh_refusals_total Refused.
            # TYPE aspiremesh_refusals_total counter
            aspiremesh_refusals_total 3
            # HELP aspiremesh_connection_io_bytes_total Bytes.
            # TYPE aspiremesh_connection_io_bytes_total counter
            aspiremesh_connection_io_bytes_total 7
            # HELP aspiremesh_svid_expiry_seconds Left.
            # TYPE aspiremesh_svid_expiry_seconds gauge
            aspiremesh_svid_expiry_seconds 12.5

            """,
            metrics.Collect(),
            ignoreLineEndingDifferences: true);
    }
}
