namespace AspireMesh.Proxy.Telemetry;

/// <summary>Names of metrics and attributes: OpenTelemetry's semantic conventions where there is one, <c>mesh.</c> and <c>aspiremesh.</c> otherwise.</summary>
internal static class MeshNames
{
    public const string Scope = "AspireMesh.Proxy";
    public const string AccessLog = "AspireMesh.AccessLog";

    public const string ServerDuration = "http.server.request.duration";
    public const string ClientDuration = "http.client.request.duration";
    public const string Retries = "aspiremesh.retries";
    public const string Attempts = "aspiremesh.attempts";
    public const string Ejections = "aspiremesh.ejections";
    public const string BreakerChanges = "aspiremesh.breaker.changes";
    public const string Refusals = "aspiremesh.refusals";
    public const string Handshakes = "aspiremesh.handshakes";
    public const string DialFailures = "aspiremesh.dial.failures";
    public const string FaultFires = "aspiremesh.fault.fires";
    public const string PlaintextCallers = "aspiremesh.plaintext.callers";
    public const string Connections = "aspiremesh.connections";
    public const string ActiveConnections = "aspiremesh.connections.active";
    public const string ConnectionBytes = "aspiremesh.connection.io";
    public const string SnapshotVersion = "aspiremesh.snapshot.version";
    public const string SnapshotRefusals = "aspiremesh.snapshot.refusals";
    public const string SvidExpiry = "aspiremesh.svid.expiry";
    public const string ControlConnected = "aspiremesh.control.connected";

    public const string Method = "http.request.method";
    public const string StatusCode = "http.response.status_code";
    public const string Scheme = "url.scheme";
    public const string Path = "url.path";
    public const string ServerAddress = "server.address";
    public const string PeerAddress = "network.peer.address";
    public const string ProtocolVersion = "network.protocol.version";
    public const string ErrorType = "error.type";
    public const string GrpcStatus = "rpc.grpc.status_code";
    public const string Resend = "http.request.resend_count";
    public const string Source = "mesh.source.workload";
    public const string Destination = "mesh.destination.workload";
    public const string Endpoint = "mesh.destination.endpoint";
    public const string Instance = "mesh.destination.instance";
    public const string Route = "mesh.route";
    public const string Flags = "mesh.response.flags";
    public const string Side = "mesh.side";
    public const string Reason = "mesh.reason";
    public const string Rule = "mesh.rule";
    public const string Peer = "mesh.peer";
    public const string Fault = "mesh.fault";
    public const string FaultKind = "mesh.fault.kind";
    public const string State = "mesh.state";
    public const string Cluster = "mesh.cluster";

    public const string RetryDecision = "mesh.retry";
    public const string RetryRefusedDecision = "mesh.retry.refused";
    public const string SplitDecision = "mesh.split";
    public const string EjectionDecision = "mesh.ejection";
    public const string BreakerDecision = "mesh.breaker";
    public const string HedgeDecision = "mesh.hedge";
    public const string RefusalDecision = "mesh.refusal";
    public const string AuditDecision = "mesh.audit";
    public const string Direction = "network.io.direction";
}
