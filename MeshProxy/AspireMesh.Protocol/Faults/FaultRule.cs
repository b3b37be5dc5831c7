using AspireMesh.Protocol.Policies;

namespace AspireMesh.Protocol.Faults;

/// <summary>A fault in force: what, where, when. Executed by sidecars; addressed by reference, never by port.</summary>
public sealed record FaultRule
{
    /// <summary>Unique in the mesh.</summary>
    public required string Id { get; init; }

    /// <summary>The calling workload; null for any.</summary>
    public string? From { get; init; }

    /// <summary>The called workload; null for any.</summary>
    public string? To { get; init; }

    /// <summary>The called endpoint; null for any.</summary>
    public string? Endpoint { get; init; }

    /// <summary>Which end executes it. Default the caller's sidecar.</summary>
    public FaultSide Side { get; init; }

    /// <summary>Which requests; null for all.</summary>
    public RouteMatch? Match { get; init; }

    /// <summary>What happens.</summary>
    public required Fault Fault { get; init; }

    /// <summary>Which of the matching requests, in their order.</summary>
    public FaultActivation Activation { get; init; } = new();

    /// <summary>Seed of the decisions; the same seed gives the same sequence per edge. Logged.</summary>
    public long Seed { get; init; }

    /// <summary>When it ends by itself, UTC; null for never. A sidecar honours it without the control plane.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>The session that put it in; null for nobody in particular. A session that holds a lease takes its faults along when the lease runs out.</summary>
    public string? Owner { get; init; }

    /// <summary>Position among the faults that match one request; lower first, ties by id.</summary>
    public int Order { get; init; }
}

/// <summary>Which end of an edge executes a fault.</summary>
public enum FaultSide
{
    /// <summary>The caller's sidecar, nearest the wire: resilience is what gets tested.</summary>
    Outbound,

    /// <summary>The callee's sidecar.</summary>
    Inbound,
}

/// <summary>Which of the matching requests fire. All set conditions must hold. The ordinal counts matching requests per edge from 1.</summary>
public sealed record FaultActivation
{
    /// <summary>Share of matching requests, 0 to 100. Default 100.</summary>
    public double Percent { get; init; } = 100;

    /// <summary>Only the first n; 0 for no such limit.</summary>
    public long First { get; init; }

    /// <summary>Only every n-th; 0 for no such limit.</summary>
    public long EveryNth { get; init; }

    /// <summary>Fires at most this often in all; 0 for no such limit.</summary>
    public long MaxFires { get; init; }

    /// <summary>Skips this many first.</summary>
    public long Skip { get; init; }

    /// <summary>The share grows from 0 to <see cref="Percent"/> over this many requests; 0 for none.</summary>
    public long RampRequests { get; init; }

    /// <summary>Fires for <see cref="BurstLength"/> requests out of each <see cref="BurstPeriod"/>; 0 for none.</summary>
    public long BurstLength { get; init; }

    /// <summary>See <see cref="BurstLength"/>.</summary>
    public long BurstPeriod { get; init; }
}

/// <summary>What a fault does. <see cref="Kind"/> names it; the other values are its settings, and each kind says which it reads.</summary>
public sealed record Fault
{
    /// <summary>One of <see cref="FaultKinds"/>.</summary>
    public required string Kind { get; init; }

    /// <summary>HTTP status.</summary>
    public int Status { get; init; }

    /// <summary>gRPC status code; -1 for none.</summary>
    public int GrpcStatus { get; init; } = -1;

    /// <summary>A delay or duration; the mean for distributions.</summary>
    public TimeSpan Delay { get; init; }

    /// <summary>Half-width (uniform) or standard deviation (normal).</summary>
    public TimeSpan Jitter { get; init; }

    /// <summary>fixed, uniform, normal or pareto. Default fixed.</summary>
    public string Distribution { get; init; } = "fixed";

    /// <summary>Bytes: a limit, a slice or an offset.</summary>
    public long Bytes { get; init; }

    /// <summary>Bytes per second.</summary>
    public long BytesPerSecond { get; init; }

    /// <summary>request, response or both. Default response.</summary>
    public string Direction { get; init; } = "response";

    /// <summary>Message ordinal in a stream, from 1.</summary>
    public long Message { get; init; }

    /// <summary>A header's name, a close reason or a similar text.</summary>
    public string? Name { get; init; }

    /// <summary>A header's value or a similar text.</summary>
    public string? Value { get; init; }

    /// <summary>A WebSocket close code or a similar number.</summary>
    public int Code { get; init; }
}
