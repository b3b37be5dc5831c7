using System.Collections.Concurrent;
using System.Diagnostics;
using AspireMesh.Protocol.Faults;
using AspireMesh.Protocol.Identity;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Faults;
using AspireMesh.Proxy.Control;
using AspireMesh.Proxy.Http;
using AspireMesh.Proxy.Runtime;

namespace AspireMesh.Proxy.Telemetry;

/// <summary>
/// Turns what happens in one sidecar into metrics, spans, access log, reports and taps. Everything is the sidecar's own, nothing is static: a process
/// can hold many sidecars, each under its own service name.
/// </summary>
internal sealed class MeshTelemetry : IMeshEvents, IAsyncDisposable
{
    private const int MostCallers = 1000;
    private readonly string _workload;
    private readonly ConcurrentDictionary<string, string> _callers = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<(string, string), KeyValuePair<string, object?>[]> _edgeTags = new();
    private readonly IAsyncDisposable? _export;
    private long _version;

    /// <param name="workload">The workload beside the sidecar.</param>
    /// <param name="scope">Name of meter and activity source, unique in the process.</param>
    /// <param name="svid">The end of the SVID's life, and whether the control plane is there.</param>
    /// <param name="taps">Where requests are shown.</param>
    /// <param name="accessLog">Where requests are written.</param>
    /// <param name="time">The clock.</param>
    /// <param name="export">What carries it away; ends with it.</param>
    public MeshTelemetry(string workload, string scope, IIdentityGauges svid, TapPoint taps, AccessLog accessLog, TimeProvider time, IAsyncDisposable? export = null)
    {
        _workload = workload;
        _export = export;
        Statistics = new SidecarStatistics(() => svid.SvidExpires, () => svid.SvidSerial);
        Time = time;
        Taps = taps;
        AccessLog = accessLog;
        Spans = new MeshSpans(scope, workload);
        Instruments = new MeshInstruments(scope, workload, () => Interlocked.Read(ref _version), () => (svid.SvidExpires - time.GetUtcNow())?.TotalSeconds, () => svid.IsConnected);
    }

    public TimeProvider Time { get; }

    public MeshInstruments Instruments { get; }

    public MeshSpans Spans { get; }

    public RequestTags Tags { get; } = new();

    public SidecarStatistics Statistics { get; }

    public TapPoint Taps { get; }

    public AccessLog AccessLog { get; }

    /// <inheritdoc/>
    public IRequestEvents RequestStarted(in RequestStart request)
    {
        if (!Spans.IsOn) return new RequestRecorder(this, request, default, null);
        var parent = TraceContext.Read(request.Traceparent, request.Tracestate);
        var server = request.Side == MeshSide.Outbound ? null : Spans.StartServer(request, parent);
        return new RequestRecorder(this, request, parent, server);
    }

    /// <inheritdoc/>
    public void ConnectionStarted(in ConnectionStart connection)
    {
        Instruments.ActiveConnections.Add(1, ConnectionTags(connection));
        if (connection.Side == MeshSide.Inbound) return;
        Statistics.Edge(connection.Workload, connection.Endpoint).AddConnection();
        Statistics.Touch();
    }

    /// <inheritdoc/>
    public void ConnectionEnded(in ConnectionStart connection, in ConnectionEnd end)
    {
        var tags = ConnectionTags(connection);
        Instruments.ActiveConnections.Add(-1, tags);
        Instruments.Connections.Add(1, tags);
        Instruments.ConnectionBytes.Add(end.BytesSent, [.. tags, new(MeshNames.Direction, "transmit")]);
        Instruments.ConnectionBytes.Add(end.BytesReceived, [.. tags, new(MeshNames.Direction, "receive")]);
        if (connection.Side == MeshSide.Inbound || end.Error is null) return;
        Statistics.Edge(connection.Workload, connection.Endpoint).AddConnectionFailure();
        Statistics.Touch();
    }

    /// <inheritdoc/>
    public void Dialed(ClusterSnapshot cluster, DestinationSnapshot destination, SpiffeId? peer)
    {
        Statistics.Edge(cluster.Workload, cluster.Endpoint).SawHandshake(peer is not null);
        Statistics.Touch();
    }

    /// <inheritdoc/>
    public void DialFailed(ClusterSnapshot cluster, DestinationSnapshot destination, DialException error) =>
        Instruments.DialFailures.Add(1, new(MeshNames.Destination, cluster.Workload), new(MeshNames.Instance, destination.Name), new(MeshNames.ErrorType, Snake(error.Error.ToString())));

    /// <inheritdoc/>
    public void HandshakeSeen(MeshSide side, SpiffeId peer) =>
        Instruments.Handshakes.Add(1, new(MeshNames.Side, Snake(side.ToString())), new(MeshNames.Peer, WorkloadOf(peer.ToString())));

    /// <inheritdoc/>
    public void Refused(in Refusal refusal)
    {
        var rule = refusal.Rule ?? "";
        Instruments.Refusals.Add(
            1,
            [
                new(MeshNames.Side, Snake(refusal.Side.ToString())), new(MeshNames.Reason, Snake(refusal.Reason.ToString())), new(MeshNames.Source, SourceOf(refusal)),
                new(MeshNames.Destination, refusal.Destination ?? DestinationOf(refusal)), new(MeshNames.Endpoint, refusal.Endpoint), new(MeshNames.Route, refusal.Route ?? ""), new(MeshNames.Rule, rule),
            ]);
        if (refusal.Reason is RefusalReason.Denied or RefusalReason.Token) Statistics.AddDenied(rule.Length > 0 ? rule : Snake(refusal.Reason.ToString()));
    }

    /// <inheritdoc/>
    public void PlaintextTaken(string caller, string endpoint)
    {
        Instruments.PlaintextCallers.Add(1, new KeyValuePair<string, object?>(MeshNames.Endpoint, endpoint));
        Statistics.AddPlaintext(WithoutPort(caller));
    }

    /// <inheritdoc/>
    public void FaultFired(FaultRule rule, FaultEdge edge)
    {
        Instruments.FaultFires.Add(
            1, new(MeshNames.Fault, rule.Id), new(MeshNames.FaultKind, rule.Fault.Kind), new(MeshNames.Source, edge.From ?? ""), new(MeshNames.Destination, edge.To), new(MeshNames.Endpoint, edge.Endpoint));
        Statistics.AddFault(rule.Id);
    }

    /// <inheritdoc/>
    public void FaultCounted(FaultCounts counts) => Statistics.Faults.Add(counts);

    /// <inheritdoc/>
    public void DestinationEjected(ClusterSnapshot cluster, string destination, string reason, TimeSpan time) =>
        Instruments.Ejections.Add(1, new(MeshNames.Source, _workload), new(MeshNames.Destination, cluster.Workload), new(MeshNames.Instance, destination), new(MeshNames.Reason, reason));

    /// <inheritdoc/>
    public void BreakerChanged(ClusterSnapshot cluster, string destination, string state) =>
        Instruments.BreakerChanges.Add(1, new(MeshNames.Source, _workload), new(MeshNames.Destination, cluster.Workload), new(MeshNames.Instance, destination), new(MeshNames.State, state));

    /// <inheritdoc/>
    public void Retried(ClusterSnapshot cluster, string route, string reason) => Instruments.Policies.Retry(cluster, route, "retried", reason);

    /// <inheritdoc/>
    public void RetryRefused(ClusterSnapshot cluster, string route, string reason) => Instruments.Policies.Retry(cluster, route, "refused", reason);

    /// <inheritdoc/>
    public void SplitDecided(ClusterSnapshot cluster, string route) => Instruments.Policies.Split(cluster, route);

    /// <inheritdoc/>
    public void Hedged(ClusterSnapshot cluster, string route) => Instruments.Policies.Hedge(cluster, route);

    /// <inheritdoc/>
    public void Mirrored(ClusterSnapshot cluster, string route, bool sent) => Instruments.Policies.Mirror(cluster, route, sent);

    /// <inheritdoc/>
    public void ProbeChanged(ClusterSnapshot cluster, DestinationSnapshot destination, bool healthy, string detail) => Instruments.Policies.Probe(cluster, destination, healthy);

    /// <inheritdoc/>
    public void Audited(in Refusal refusal)
    {
        var (source, destination, rule) = (SourceOf(refusal), refusal.Destination ?? DestinationOf(refusal), refusal.Rule ?? "");
        Instruments.Policies.Audit(source, destination, refusal.Endpoint, rule);
        AccessLog.WriteAudit(source, destination, refusal.Endpoint, rule);
    }

    /// <inheritdoc/>
    public void SnapshotApplied(MeshSnapshot snapshot) => Interlocked.Exchange(ref _version, snapshot.Version);

    /// <inheritdoc/>
    public void SnapshotRefused(long version, IReadOnlyList<string> errors) => Instruments.SnapshotRefusals.Add(1);

    /// <summary>The calling workload: on the inbound side the one in the proved id.</summary>
    public string SourceOf(in RequestStart start) => start.Side switch
    {
        MeshSide.Outbound => _workload,
        _ => start.Caller is { } caller ? WorkloadOf(caller) : "outside",
    };

    // Who was refused without a proved identity is an address, and there are too many of those for an attribute.
    private string SourceOf(in Refusal refusal) => refusal.Side switch
    {
        MeshSide.Outbound or MeshSide.Egress => _workload,
        _ => refusal.Caller.StartsWith("spiffe://", StringComparison.Ordinal) ? WorkloadOf(refusal.Caller) : "outside",
    };

    private string DestinationOf(in Refusal refusal) => refusal.Side == MeshSide.Outbound ? "" : refusal.Side == MeshSide.Egress ? Egress.EgressGate.Undeclared : _workload;

    /// <summary>Attributes of an edge.</summary>
    public KeyValuePair<string, object?>[] EdgeTags(string to, string endpoint) =>
        _edgeTags.TryGetValue((to, endpoint), out var tags)
            ? tags
            : _edgeTags.GetOrAdd((to, endpoint), [new(MeshNames.Source, _workload), new(MeshNames.Destination, to), new(MeshNames.Endpoint, endpoint)]);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_export is not null) await _export.DisposeAsync();
        Spans.Dispose();
        Instruments.Dispose();
    }

    private string WorkloadOf(string id)
    {
        if (_callers.TryGetValue(id, out var workload)) return workload;
        workload = CallerIdentity.FromId(id).Workload ?? id;
        return _callers.Count < MostCallers ? _callers.GetOrAdd(id, workload) : workload;
    }

    private KeyValuePair<string, object?>[] ConnectionTags(in ConnectionStart connection) =>
        connection.Side == MeshSide.Inbound
            ? [new(MeshNames.Source, WorkloadOf(connection.Workload)), new(MeshNames.Destination, _workload), new(MeshNames.Endpoint, connection.Endpoint)]
            : connection.Route is null ? EdgeTags(connection.Workload, connection.Endpoint)
            : [.. EdgeTags(connection.Workload, connection.Endpoint), new(MeshNames.Route, connection.Route)];

    private static string WithoutPort(string caller) => System.Net.IPEndPoint.TryParse(caller, out var address) ? address.Address.ToString() : caller;

    private static string Snake(string name)
    {
        var text = new System.Text.StringBuilder(name.Length + 4);
        foreach (var c in name)
        {
            if (char.IsAsciiLetterUpper(c) && text.Length > 0) text.Append('_');
            text.Append(char.ToLowerInvariant(c));
        }
        return text.ToString();
    }
}
