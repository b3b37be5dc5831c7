using System.Collections.Immutable;

namespace AspireMesh.Protocol.Policies;

/// <summary>Time limits of an edge or route. Zero means none.</summary>
public sealed record TimeoutPolicy
{
    /// <summary>From the end of the request, its body included, to the response's headers, all attempts included: it limits no upload. Default 15 s. A shorter <c>grpc-timeout</c> from the caller wins and is forwarded.</summary>
    public TimeSpan Request { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>For one attempt, to the response's headers. Default none. What it ends is 504, and sent again only with <see cref="RetryConditions.PerTryTimeout"/>.</summary>
    public TimeSpan PerTry { get; init; }

    /// <summary>No byte in either direction for this long ends a stream. Default 5 min.</summary>
    public TimeSpan Idle { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>To open a connection and finish its handshake. Default 5 s.</summary>
    public TimeSpan Connect { get; init; } = TimeSpan.FromSeconds(5);
}

/// <summary>What counts as worth another attempt.</summary>
[Flags]
public enum RetryConditions
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>The connection could not be made: nothing was sent, so any method may be repeated.</summary>
    ConnectFailure = 1,

    /// <summary>The peer refused the stream before reading it (REFUSED_STREAM, GOAWAY): any method may be repeated. A request without a body is sent to the same destination up to three times more before this counts.</summary>
    RefusedStream = 2,

    /// <summary>The connection broke before response headers; idempotent methods only.</summary>
    Reset = 4,

    /// <summary>502, 503 or 504; idempotent methods only.</summary>
    GatewayError = 8,

    /// <summary>Any 5xx; idempotent methods only.</summary>
    ServerError = 16,

    /// <summary>The per-try timeout passed; idempotent methods only.</summary>
    PerTryTimeout = 32,
}

/// <summary>Retries of one edge or route. An attempt after the first is a retry.</summary>
public sealed record RetryPolicy
{
    /// <summary>Retries after the first attempt, 0 to 10. Default 2.</summary>
    public int MaxRetries { get; init; } = 2;

    /// <summary>When. Default: connect failure, refused stream, reset and gateway errors.</summary>
    public RetryConditions Conditions { get; init; } =
        RetryConditions.ConnectFailure | RetryConditions.RefusedStream | RetryConditions.Reset | RetryConditions.GatewayError;

    /// <summary>Further status codes to retry.</summary>
    public ImmutableArray<int> StatusCodes { get; init; } = [];

    /// <summary>gRPC status codes to retry. A gRPC call is a POST, so none are retried unless listed here. Typical: 14 (UNAVAILABLE).</summary>
    public ImmutableArray<int> GrpcCodes { get; init; } = [];

    /// <summary>Whether POST and PATCH count as idempotent on this edge. Default false.</summary>
    public bool NonIdempotentMethods { get; init; }

    /// <summary>First pause. Default 25 ms; doubled each time, full jitter.</summary>
    public TimeSpan BackoffBase { get; init; } = TimeSpan.FromMilliseconds(25);

    /// <summary>Longest pause. Default 250 ms.</summary>
    public TimeSpan BackoffMax { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>Whether a <c>Retry-After</c> up to <see cref="RetryAfterMax"/> replaces the pause. Default true.</summary>
    public bool HonourRetryAfter { get; init; } = true;

    /// <summary>A longer <c>Retry-After</c> ends the retries. Default 1 s.</summary>
    public TimeSpan RetryAfterMax { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Whether a retry avoids the destinations already tried while others are there. Default true.</summary>
    public bool OtherDestination { get; init; } = true;

    /// <summary>Largest request body kept for another attempt, in bytes. Default 64 KiB; past it the first attempt goes on and retries are lost.</summary>
    public int ReplayBytes { get; init; } = 64 * 1024;

    /// <summary>Retries allowed as a share of requests in the window. Default 0.2.</summary>
    public double BudgetRatio { get; init; } = 0.2;

    /// <summary>Retries per second allowed whatever the share. Default 3.</summary>
    public int BudgetMinPerSecond { get; init; } = 3;

    /// <summary>The window over which requests are counted for the budget. Default 10 s.</summary>
    public TimeSpan BudgetWindow { get; init; } = TimeSpan.FromSeconds(10);
}

/// <summary>
/// Sends a second attempt before the first has failed, for idempotent calls without a body. These are not retried as well; each additional attempt comes out of the
/// retry budget (<see cref="RetryPolicy.BudgetRatio"/>), as a retry would.
/// </summary>
public sealed record HedgingPolicy
{
    /// <summary>Additional attempts, 1 to 5. Default 1.</summary>
    public int MaxHedges { get; init; } = 1;

    /// <summary>How long the first attempt may take before the next starts; one that failed starts the next at once. Default 100 ms.</summary>
    public TimeSpan Delay { get; init; } = TimeSpan.FromMilliseconds(100);
}

/// <summary>A breaker per destination: Closed, Open, HalfOpen.</summary>
public sealed record CircuitBreakerPolicy
{
    /// <summary>Failures as a share of requests that open the breaker, 0 to 1. Default 0.5.</summary>
    public double FailureRatio { get; init; } = 0.5;

    /// <summary>Requests in the window before the ratio counts. Default 20.</summary>
    public int MinimumThroughput { get; init; } = 20;

    /// <summary>The sampling window. Default 10 s.</summary>
    public TimeSpan Window { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long it stays open before one request may try. Default 5 s.</summary>
    public TimeSpan BreakDuration { get; init; } = TimeSpan.FromSeconds(5);
}

/// <summary>Caps of an edge. Zero means none.</summary>
public sealed record ConcurrencyPolicy
{
    /// <summary>Connections (opaque TCP) at once.</summary>
    public int MaxConnections { get; init; }

    /// <summary>Requests running at once.</summary>
    public int MaxConcurrentRequests { get; init; }

    /// <summary>Requests waiting for one of those places; more get 503 at once.</summary>
    public int MaxPendingRequests { get; init; }
}

/// <summary>Active probing of destinations.</summary>
public sealed record HealthCheckPolicy
{
    /// <summary>How. Default HTTP.</summary>
    public HealthCheckKind Kind { get; init; }

    /// <summary>Path for HTTP. Default <c>/</c>.</summary>
    public string Path { get; init; } = "/";

    /// <summary>Service name for gRPC health checks; empty for the server as a whole.</summary>
    public string GrpcService { get; init; } = "";

    /// <summary>Time between probes. Default 10 s.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Time for one probe. Default 2 s.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Failures in a row that make a destination unhealthy. Default 3.</summary>
    public int UnhealthyThreshold { get; init; } = 3;

    /// <summary>Successes in a row that make it healthy again. Default 1.</summary>
    public int HealthyThreshold { get; init; } = 1;
}

/// <summary>The kind of an active probe.</summary>
public enum HealthCheckKind
{
    /// <summary>GET; 2xx and 3xx are healthy.</summary>
    Http,

    /// <summary>grpc.health.v1.</summary>
    Grpc,

    /// <summary>A connection can be made.</summary>
    Tcp,
}

/// <summary>Finding and removing bad destinations from what callers see of them (Envoy's outlier detection).</summary>
public sealed record OutlierDetectionPolicy
{
    /// <summary>Consecutive 5xx that eject; 0 for never. Default 5.</summary>
    public int Consecutive5xx { get; init; } = 5;

    /// <summary>Consecutive 502, 503, 504 that eject; 0 for never. Default 5.</summary>
    public int ConsecutiveGatewayErrors { get; init; } = 5;

    /// <summary>Consecutive connect failures and resets that eject; 0 for never. Default 3.</summary>
    public int ConsecutiveLocalFailures { get; init; } = 3;

    /// <summary>Success share, 0 to 1, below which a destination is ejected once it has <see cref="MinimumRequests"/> in a window; 0 for never. Default 0.</summary>
    public double SuccessRateThreshold { get; init; }

    /// <summary>A destination whose mean latency is this many times the median of the others is ejected; 0 for never. Default 0.</summary>
    public double LatencyFactor { get; init; }

    /// <summary>Requests in a window before share or latency count. Default 20.</summary>
    public int MinimumRequests { get; init; } = 20;

    /// <summary>The window for share and latency. Default 10 s.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>First ejection; the n-th in a row lasts n times as long. Default 5 s.</summary>
    public TimeSpan BaseEjection { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Longest ejection. Default 5 min.</summary>
    public TimeSpan MaxEjection { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Largest share of destinations ejected at once, 0 to 100. Default 50; one may always be ejected where there are two or more.</summary>
    public double MaxEjectedPercent { get; init; } = 50;

    /// <summary>Below this share of healthy destinations all are used, 0 to 100. Default 30. 0 never panics: none healthy is 503.</summary>
    public double PanicThresholdPercent { get; init; } = 30;
}

/// <summary>Choice among destinations.</summary>
public sealed record LoadBalancingPolicy
{
    /// <summary>Which algorithm. Default <see cref="LoadBalancingAlgorithm.PeakEwma"/>.</summary>
    public LoadBalancingAlgorithm Algorithm { get; init; } = LoadBalancingAlgorithm.PeakEwma;

    /// <summary>For <see cref="LoadBalancingAlgorithm.ConsistentHash"/>: what is hashed.</summary>
    public HashSource HashSource { get; init; }

    /// <summary>Name of the header, cookie or query parameter that is hashed.</summary>
    public string? HashName { get; init; }

    /// <summary>Largest load of one destination relative to the mean when hashing, at least 1. Default 1.25 (bounded load).</summary>
    public double HashBoundedLoad { get; init; } = 1.25;

    /// <summary>How fast an old latency is forgotten by peak EWMA. Default 10 s (Linkerd's).</summary>
    public TimeSpan EwmaDecay { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>A new destination's weight grows to full over this time. Default none.</summary>
    public TimeSpan SlowStart { get; init; }

    /// <summary>Prefer destinations in the caller's zone while at least this share of them is healthy, 0 to 100; 0 ignores zones. Default 0.</summary>
    public double PreferLocalPercent { get; init; }
}

/// <summary>The algorithms.</summary>
public enum LoadBalancingAlgorithm
{
    /// <summary>Power of two choices by peak exponentially weighted moving latency times outstanding requests (Finagle, Linkerd).</summary>
    PeakEwma,

    /// <summary>Each in turn, by weight.</summary>
    RoundRobin,

    /// <summary>By weight, at random.</summary>
    Random,

    /// <summary>The fewest outstanding requests of two chosen at random.</summary>
    LeastRequests,

    /// <summary>The same key goes to the same destination, with bounded load.</summary>
    ConsistentHash,
}

/// <summary>What consistent hashing hashes.</summary>
public enum HashSource
{
    /// <summary>A header.</summary>
    Header,

    /// <summary>A cookie.</summary>
    Cookie,

    /// <summary>A query parameter.</summary>
    Query,

    /// <summary>The caller's address.</summary>
    Source,
}
