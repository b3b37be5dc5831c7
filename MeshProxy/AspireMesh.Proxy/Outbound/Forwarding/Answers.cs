using AspireMesh.Proxy.Http;
using AspireMesh.Proxy.Outbound.Retries;
using AspireMesh.Proxy.Runtime;

namespace AspireMesh.Proxy.Outbound.Forwarding;

/// <summary>What the caller hears when no destination answered. Each flags the request as it says it.</summary>
internal static class Answers
{
    public static ErrorAnswer? For(OutboundRequest request, in AttemptOutcome outcome)
    {
        var to = Target(request);
        return outcome.Failure switch
        {
            AttemptFailure.Connect => Make(request, 503, ResponseFlags.UpstreamConnectFailure, $"No connection to {to} could be made ({request.Error}).", "Type: aspiremesh check"),
            AttemptFailure.Refused => Make(request, 503, ResponseFlags.UpstreamConnectFailure, $"{to} takes no more requests.", "Type: aspiremesh stat"),
            AttemptFailure.Reset => Make(request, 502, ResponseFlags.UpstreamReset, $"The connection to {to} broke before it answered.", $"Look at the log of '{request.Cluster.Snapshot.Workload}'."),
            AttemptFailure.PerTryTimeout or AttemptFailure.Deadline => Make(
                request, 504, ResponseFlags.UpstreamTimeout, $"{to} did not answer within {request.Deadline.Elapsed.TotalSeconds:0.0} s.", "To allow more: WithTimeout(request: …) on the edge."),
            AttemptFailure.BadRequest => Make(request, 400, ResponseFlags.CallerProtocolError, "The request's body could not be read.", "Look at the caller."),
            _ => Gone(request),
        };
    }

    public static ErrorAnswer RefusedByPeer(OutboundRequest request, DialException refusal) => Make(
        request, 403, ResponseFlags.Unauthorized, $"{Target(request)} refused '{request.Caller.Workload}': {refusal.Message}.",
        $"If it may call: .WithReference({request.Cluster.Snapshot.Workload}) or .AllowFrom(…) in the AppHost.");

    public static ErrorAnswer NoneHealthy(OutboundRequest request) => Make(
        request, 503, ResponseFlags.NoHealthyUpstream,
        request.Cluster.Destinations.Length == 0 ? $"{Target(request)} has no destination: it is not running." : $"{Target(request)} has no healthy destination.", "Type: aspiremesh check");

    public static ErrorAnswer BreakersOpen(OutboundRequest request) =>
        Make(request, 503, ResponseFlags.UpstreamOverflow, $"The circuit breakers towards {Target(request)} are open.", "Type: aspiremesh stat");

    public static ErrorAnswer QueueFull(OutboundRequest request) => Make(
        request, 503, ResponseFlags.UpstreamOverflow, $"Too many requests to '{request.Cluster.Snapshot.Workload}' are running, and the queue is full.",
        "To allow more: WithLimits(l => l with { MaxConcurrentRequests = …, MaxPendingRequests = … }) on the edge.");

    private static ErrorAnswer? Gone(OutboundRequest request)
    {
        request.Flag(ResponseFlags.CallerGone);
        return null;
    }

    private static ErrorAnswer Make(OutboundRequest request, int status, string flag, string reason, string next)
    {
        request.Flag(flag);
        request.HeadersAfter = request.Deadline.Elapsed;
        return new ErrorAnswer(status, flag, reason, next);
    }

    private static string Target(OutboundRequest request) => $"'{request.Cluster.Snapshot.Workload}.{request.Cluster.Snapshot.Endpoint}'";
}
