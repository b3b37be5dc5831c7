using AspireMesh.Protocol.Policies;
using AspireMesh.Proxy.Faults;
using AspireMesh.Proxy.Http;
using AspireMesh.Proxy.Outbound.Deadlines;
using AspireMesh.Proxy.Outbound.LoadBalancing;
using AspireMesh.Proxy.Outbound.Retries;
using AspireMesh.Proxy.Outbound.Routing;
using AspireMesh.Proxy.Runtime;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Outbound.Forwarding;

/// <summary>One request on its way through a route: what its attempts share.</summary>
internal sealed class OutboundRequest(HttpContext context, CallerIdentity caller, CompiledRoute route, RouteLeg leg, string? path, IRequestEvents events, RequestDeadline deadline)
{
    public HttpContext Context { get; } = context;

    public CallerIdentity Caller { get; } = caller;

    public CompiledRoute Route { get; } = route;

    public RouteLeg Leg { get; } = leg;

    public Cluster Cluster => Leg.Cluster;

    /// <summary>The rewritten path; null to keep the caller's.</summary>
    public string? Path { get; } = path;

    public IRequestEvents Events { get; } = events;

    public RequestDeadline Deadline { get; } = deadline;

    /// <summary>The caller's own <c>grpc-timeout</c>, which is passed on less the time already spent.</summary>
    public TimeSpan? GrpcTimeout { get; init; }

    /// <summary>Null when the request has no body, or can have no second attempt.</summary>
    public ReplayBody? Body { get; init; }

    public bool HasBody { get; init; }

    /// <summary>How it is hedged: only what may be repeated at any time is, and has no retries beside.</summary>
    public HedgingPolicy? Hedging =>
        Route.Snapshot.Hedging is { } policy && !HasBody && HttpMethodFacts.IsIdempotent(Context.Request.Method) && !HeaderHygiene.IsUpgrade(Context) ? policy : null;

    public int Attempts { get; set; }

    /// <summary>Destinations already tried; null before the first retry.</summary>
    public List<DestinationState>? Tried { get; set; }

    /// <summary>Who answered; null when nobody did.</summary>
    public Destination? AnsweredBy { get; set; }

    public TimeSpan HeadersAfter { get; set; }

    public int? GrpcStatus { get; set; }

    public string? Flags { get; private set; }

    public string? Error { get; set; }

    /// <summary>Ids of the faults that hit it, comma separated; null for none.</summary>
    public string? Faults { get; private set; }

    /// <summary>Notes the faults that hit it, so that nobody takes one for a defect.</summary>
    public void Mark(FiredFaults fired)
    {
        Faults = Faults is null ? fired.Ids : $"{Faults},{fired.Ids}";
        if (fired.DoesMoreThanWait) Flag(ResponseFlags.FaultInjected);
    }

    public void Flag(string flag)
    {
        if (Flags is null) Flags = flag;
        else if (!Flags.Contains(flag, StringComparison.Ordinal)) Flags += "," + flag;
    }
}
