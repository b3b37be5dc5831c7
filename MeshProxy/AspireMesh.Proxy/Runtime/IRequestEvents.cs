using System.Diagnostics;
using AspireMesh.Protocol.Faults;
using AspireMesh.Protocol.Snapshot;

namespace AspireMesh.Proxy.Runtime;

/// <summary>Follows one request through a sidecar. Ended exactly once.</summary>
internal interface IRequestEvents
{
    /// <summary>The trace context that a forwarded request carries on; default where nothing is traced.</summary>
    ActivityContext Trace { get; }

    /// <summary>The request is about to be sent to a destination.</summary>
    IAttemptEvents AttemptStarted(ClusterSnapshot cluster, DestinationSnapshot destination, int number);

    /// <summary>A fault hit the request before or outside an attempt.</summary>
    void FaultFired(FaultRule rule) { }

    /// <summary>A policy decided something about the request. It stands on the attempt that is running, else on the next one, else on the request itself.</summary>
    void Decided(in PolicyDecision decision) { }

    /// <summary>The response, or what stood in for it, was sent.</summary>
    void Ended(in RequestEnd end);
}

/// <summary>What a policy decided about one request, as a span event.</summary>
/// <param name="Name">One of <see cref="Telemetry.MeshNames"/>' decisions.</param>
/// <param name="Reason">Why, or what was chosen.</param>
internal readonly record struct PolicyDecision(string Name, string Reason);

/// <summary>One attempt. Ended exactly once.</summary>
internal interface IAttemptEvents
{
    /// <summary>Goes into the forwarded <c>traceparent</c> and into the tunnel stream's header.</summary>
    ActivityContext Trace { get; }

    /// <summary>A fault hit the attempt.</summary>
    void FaultFired(FaultRule rule) { }

    /// <summary>The attempt is over: response headers came, or it failed.</summary>
    void Ended(in AttemptEnd end);
}

/// <summary>A request as it came.</summary>
/// <param name="Side">Where.</param>
/// <param name="Caller">The calling workload, or its SPIFFE ID on the inbound side; null from outside the mesh.</param>
/// <param name="Workload">The called workload.</param>
/// <param name="Endpoint">The called endpoint.</param>
/// <param name="Method">HTTP method.</param>
/// <param name="Path">Path without query.</param>
/// <param name="Protocol">As ASP.NET Core names it, for example <c>HTTP/2</c>.</param>
/// <param name="Traceparent">The caller's header, unchecked.</param>
/// <param name="Tracestate">The caller's header, unchecked.</param>
/// <param name="Timestamp">From the sidecar's TimeProvider.</param>
internal readonly record struct RequestStart(
    MeshSide Side, string? Caller, string Workload, string Endpoint, string Method, string Path, string Protocol, string? Traceparent, string? Tracestate, long Timestamp);

/// <summary>How a request ended.</summary>
/// <param name="Route">The route's name; null when none matched.</param>
/// <param name="Destination">Who answered; null when the sidecar did.</param>
/// <param name="Status">HTTP status; 0 when the caller went away before one was sent.</param>
/// <param name="GrpcStatus">gRPC status, if it was gRPC.</param>
/// <param name="Flags">Response flags, comma separated; null for none.</param>
/// <param name="Attempts">How often it was sent.</param>
/// <param name="HeadersAfter">Time to response headers.</param>
/// <param name="Error">What broke it; null otherwise.</param>
/// <param name="Faults">Ids of the faults that hit it, comma separated; null for none.</param>
internal readonly record struct RequestEnd(
    string? Route, string? Destination, int Status, int? GrpcStatus, string? Flags, int Attempts, TimeSpan HeadersAfter, string? Error, string? Faults = null);

/// <summary>How an attempt ended.</summary>
/// <param name="Status">HTTP status; 0 for none.</param>
/// <param name="GrpcStatus">gRPC status, if known with the headers.</param>
/// <param name="Error">What broke it; null otherwise.</param>
internal readonly record struct AttemptEnd(int Status, int? GrpcStatus, string? Error);
