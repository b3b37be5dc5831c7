using System.Diagnostics;
using AspireMesh.Protocol.Admin;
using AspireMesh.Protocol.Faults;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Runtime;

namespace AspireMesh.Proxy.Telemetry;

/// <summary>
/// Follows one request. On the outbound side the caller's own client span is the parent and every attempt is a CLIENT span; the inbound side and a
/// gateway have one SERVER span per request, and a gateway's attempts hang below it. What the caller decided not to sample gets no span here either.
/// </summary>
internal sealed class RequestRecorder(MeshTelemetry owner, in RequestStart start, ActivityContext parent, Activity? server) : IRequestEvents
{
    private readonly RequestStart _start = start;
    private ActivityContext _parent = server?.Context ?? parent;
    private AttemptRecorder? _running;
    private List<PolicyDecision>? _undelivered;

    /// <inheritdoc/>
    public ActivityContext Trace => server?.Context ?? default;

    /// <inheritdoc/>
    public IAttemptEvents AttemptStarted(ClusterSnapshot cluster, DestinationSnapshot destination, int number)
    {
        // On the inbound side the app is behind this very sidecar: a span for the last hop would say nothing the server span does not.
        if (_start.Side == MeshSide.Inbound) return new AttemptRecorder(null, Trace);
        var span = owner.Spans.StartClient(_start, cluster, destination, number, _parent);
        // Without a caller's span the first attempt begins the trace, and the others stay in it.
        if (_parent == default && span is not null) _parent = span.Context;
        if (span is null) return new AttemptRecorder(null, Trace);
        foreach (var decision in _undelivered ?? []) MeshSpans.Mark(span, decision);
        _undelivered = null;
        return _running = new AttemptRecorder(span, span.Context);
    }

    /// <inheritdoc/>
    public void Decided(in PolicyDecision decision)
    {
        if (!owner.Spans.IsOn) return;
        if (_running is { IsOver: false } attempt) attempt.Mark(decision);
        else if (server is not null) MeshSpans.Mark(server, decision);
        else (_undelivered ??= []).Add(decision);
    }

    /// <inheritdoc/>
    public void FaultFired(FaultRule rule)
    {
        if (server is not null) MeshSpans.Mark(server, rule);
    }

    /// <inheritdoc/>
    public void Ended(in RequestEnd end)
    {
        var duration = owner.Time.GetElapsedTime(_start.Timestamp);
        // What was decided without an attempt to stand on, or after the last, has a span of its own: a trace must say why nothing followed.
        if (_undelivered is { } decisions) owner.Spans.Tell(_start, end, decisions, _parent, duration);
        if (server is not null) MeshSpans.EndServer(server, end);
        var source = owner.SourceOf(_start);
        var kind = new RequestKind(source, _start.Workload, _start.Endpoint, end.Route, RequestTags.Method(_start.Method), _start.Protocol, end.Status, end.GrpcStatus, end.Flags);
        var tags = owner.Tags.For(kind);
        var outbound = _start.Side == MeshSide.Outbound;
        (outbound ? owner.Instruments.ClientDuration : owner.Instruments.ServerDuration).Record(duration.TotalSeconds, tags);
        if (outbound) CountEdge(end);
        var written = owner.AccessLog.Wants(end.Status);
        if (written || owner.Taps.IsOn) Show(source, end, written);
    }

    private void CountEdge(in RequestEnd end)
    {
        owner.Statistics.Edge(_start.Workload, _start.Endpoint).AddRequest(end.Status is 0 or >= 500, end.Attempts, end.HeadersAfter);
        owner.Statistics.Touch();
        if (end.Attempts == 0) return;
        var edge = owner.EdgeTags(_start.Workload, _start.Endpoint);
        owner.Instruments.Attempts.Add(end.Attempts, edge);
        if (end.Attempts > 1) owner.Instruments.Retries.Add(end.Attempts - 1, edge);
    }

    private void Show(string source, in RequestEnd end, bool written)
    {
        var trace = server?.TraceId ?? _parent.TraceId;
        var shown = new TapEvent
        {
            At = owner.Time.GetUtcNow(),
            From = source,
            To = _start.Workload,
            Endpoint = _start.Endpoint,
            Route = end.Route,
            Destination = end.Destination,
            Method = _start.Method,
            Path = _start.Path,
            Status = end.Status,
            GrpcStatus = end.GrpcStatus,
            DurationMs = end.HeadersAfter.TotalMilliseconds,
            Attempts = end.Attempts,
            Flags = end.Flags,
            Faults = end.Faults,
            TraceId = trace == default ? null : trace.ToHexString(),
        };
        // Each edge is shown once, by its caller; what came through a gateway or by a foreign peer has no sidecar of ours before it.
        if (_start.Side != MeshSide.Inbound) owner.Taps.Show(shown);
        if (written) owner.AccessLog.Write(shown, end.Error, trace);
    }
}

/// <summary>One attempt: its span, or nothing.</summary>
internal sealed class AttemptRecorder(Activity? span, ActivityContext trace) : IAttemptEvents
{
    /// <summary>Its span was ended and takes nothing more.</summary>
    public bool IsOver { get; private set; }

    public void Mark(in PolicyDecision decision)
    {
        if (span is not null) MeshSpans.Mark(span, decision);
    }

    /// <inheritdoc/>
    public ActivityContext Trace => trace;

    /// <inheritdoc/>
    public void FaultFired(FaultRule rule)
    {
        if (span is not null) MeshSpans.Mark(span, rule);
    }

    /// <inheritdoc/>
    public void Ended(in AttemptEnd end)
    {
        IsOver = true;
        if (span is not null) MeshSpans.EndClient(span, end);
    }
}
