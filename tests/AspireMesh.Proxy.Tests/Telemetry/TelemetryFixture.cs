using System.Collections.Concurrent;
using System.Diagnostics;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Control;
using AspireMesh.Proxy.Runtime;
using AspireMesh.Proxy.Telemetry;
using Microsoft.Extensions.Time.Testing;

namespace AspireMesh.Proxy.Tests.Telemetry;

/// <summary>The telemetry of a sidecar of <c>web</c>, with its spans kept for a look.</summary>
internal sealed class TelemetryFixture : IDisposable
{
    private readonly ActivityListener _listener;

    public TelemetryFixture(ActivitySamplingResult sampling = ActivitySamplingResult.AllDataAndRecorded, bool listen = true)
    {
        var scope = $"test-{Guid.NewGuid():N}";
        Taps = new TapPoint();
        Events = new MeshTelemetry("web", scope, new NoIdentity(), Taps, new AccessLog(null, 0, Time), Time);
        _listener = new ActivityListener
        {
            ShouldListenTo = source => listen && source.Name == scope,
            Sample = (ref ActivityCreationOptions<ActivityContext> options) =>
                options.Parent != default && (options.Parent.TraceFlags & ActivityTraceFlags.Recorded) == 0 ? ActivitySamplingResult.None : sampling,
            ActivityStopped = Spans.Enqueue,
        };
        ActivitySource.AddActivityListener(_listener);
    }

    public FakeTimeProvider Time { get; } = new();

    public TapPoint Taps { get; }

    public MeshTelemetry Events { get; }

    public ConcurrentQueue<Activity> Spans { get; } = new();

    public static ClusterSnapshot Api { get; } = new() { Name = "api.http", Workload = "api", Endpoint = "http" };

    public static DestinationSnapshot Destination { get; } = new() { Name = "api-1", Address = "127.0.0.1:5001" };

    public RequestStart Outbound(string? traceparent = null, string? tracestate = null, string method = "GET") =>
        new(MeshSide.Outbound, "web", "api", "http", method, "/items", "HTTP/1.1", traceparent, tracestate, Time.GetTimestamp());

    public RequestStart Inbound(string? traceparent = null) =>
        new(MeshSide.Inbound, "spiffe://test.mesh/ns/default/sa/shop", "web", "http", "POST", "/orders", "HTTP/2", traceparent, null, Time.GetTimestamp());

    public static RequestEnd End(int status = 200, int attempts = 1, string? flags = null, int headersMs = 4) =>
        new("items", "api-1", status, null, flags, attempts, TimeSpan.FromMilliseconds(headersMs), null);

    public void Dispose()
    {
        _listener.Dispose();
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
