using System.Diagnostics.Metrics;

namespace AspireMesh.Proxy.Telemetry;

/// <summary>The instruments of one sidecar, on a meter of its own: in a shared process every sidecar's numbers stay apart.</summary>
internal sealed class MeshInstruments : IDisposable
{
    /// <summary>Bounds that semantic conventions advise for request durations, seconds, with finer ones below: a mesh adds microseconds.</summary>
    private static readonly double[] DurationBounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

    private readonly Meter _meter;

    /// <param name="scope">The meter's name, unique in the process.</param>
    /// <param name="workload">The workload beside the sidecar.</param>
    /// <param name="version">The snapshot's version, 0 for none.</param>
    /// <param name="svidSeconds">Seconds until the SVID ends; null before the first.</param>
    /// <param name="connected">Whether snapshots come.</param>
    public MeshInstruments(string scope, string workload, Func<long> version, Func<double?> svidSeconds, Func<bool> connected)
    {
        _meter = new Meter(scope, Control.ProxyVersion.Text);
        var advice = new InstrumentAdvice<double> { HistogramBucketBoundaries = DurationBounds };
        Policies = new PolicyInstruments(_meter, workload);
        ServerDuration = _meter.CreateHistogram(MeshNames.ServerDuration, "s", "Duration of requests from others.", advice: advice);
        ClientDuration = _meter.CreateHistogram(MeshNames.ClientDuration, "s", "Duration of requests of the local app, all attempts.", advice: advice);
        Attempts = _meter.CreateCounter<long>(MeshNames.Attempts, "{attempt}", "Attempts.");
        Retries = _meter.CreateCounter<long>(MeshNames.Retries, "{attempt}", "Attempts after the first.");
        Ejections = _meter.CreateCounter<long>(MeshNames.Ejections, "{ejection}", "Destinations ejected by outlier detection.");
        BreakerChanges = _meter.CreateCounter<long>(MeshNames.BreakerChanges, "{change}", "Changes of circuit breakers.");
        Refusals = _meter.CreateCounter<long>(MeshNames.Refusals, "{refusal}", "Handshakes, connections, streams and requests that were refused.");
        Handshakes = _meter.CreateCounter<long>(MeshNames.Handshakes, "{handshake}", "TLS handshakes with a verified peer.");
        DialFailures = _meter.CreateCounter<long>(MeshNames.DialFailures, "{failure}", "Streams to a destination that could not be opened.");
        FaultFires = _meter.CreateCounter<long>(MeshNames.FaultFires, "{fire}", "Faults that fired.");
        PlaintextCallers = _meter.CreateCounter<long>(MeshNames.PlaintextCallers, "{connection}", "Connections taken in plaintext (permissive mode).");
        Connections = _meter.CreateCounter<long>(MeshNames.Connections, "{connection}", "Opaque connections that ended.");
        ActiveConnections = _meter.CreateUpDownCounter<long>(MeshNames.ActiveConnections, "{connection}", "Opaque connections that are open.");
        ConnectionBytes = _meter.CreateCounter<long>(MeshNames.ConnectionBytes, "By", "Bytes of opaque connections.");
        SnapshotRefusals = _meter.CreateCounter<long>(MeshNames.SnapshotRefusals, "{snapshot}", "Snapshots that were refused.");
        _meter.CreateObservableGauge(MeshNames.SnapshotVersion, version, "{version}", "The snapshot in force.");
        _meter.CreateObservableGauge(MeshNames.SvidExpiry, () => svidSeconds() is { } left ? [new Measurement<double>(left)] : Array.Empty<Measurement<double>>(), "s", "Time until the SVID ends.");
        _meter.CreateObservableGauge(MeshNames.ControlConnected, () => connected() ? 1 : 0, "1", "1 while connected to the control plane.");
    }

    public PolicyInstruments Policies { get; }

    public Histogram<double> ServerDuration { get; }

    public Histogram<double> ClientDuration { get; }

    public Counter<long> Attempts { get; }

    public Counter<long> Retries { get; }

    public Counter<long> Ejections { get; }

    public Counter<long> BreakerChanges { get; }

    public Counter<long> Refusals { get; }

    public Counter<long> Handshakes { get; }

    public Counter<long> DialFailures { get; }

    public Counter<long> FaultFires { get; }

    public Counter<long> PlaintextCallers { get; }

    public Counter<long> Connections { get; }

    public UpDownCounter<long> ActiveConnections { get; }

    public Counter<long> ConnectionBytes { get; }

    public Counter<long> SnapshotRefusals { get; }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();
}
