namespace AspireMesh.Proxy.Outbound.Retries;

/// <summary>How an attempt ended, as far as resilience is concerned.</summary>
internal enum AttemptFailure
{
    /// <summary>Response headers came; <see cref="AttemptOutcome.Status"/> says which.</summary>
    None,

    /// <summary>No connection could be made: nothing was sent.</summary>
    Connect,

    /// <summary>The peer refused the stream before it read it (REFUSED_STREAM, GOAWAY): nothing was processed.</summary>
    Refused,

    /// <summary>The connection broke before response headers.</summary>
    Reset,

    /// <summary>The per-try limit passed.</summary>
    PerTryTimeout,

    /// <summary>The request's deadline passed.</summary>
    Deadline,

    /// <summary>The caller went away.</summary>
    CallerGone,

    /// <summary>The caller's request was at fault (its body broke off or was malformed).</summary>
    BadRequest,
}

/// <summary>What one attempt came to.</summary>
internal readonly record struct AttemptOutcome(AttemptFailure Failure, int Status, int GrpcStatus, string? RetryAfter)
{
    /// <summary>No gRPC status was seen.</summary>
    public const int NoGrpcStatus = -1;

    public static AttemptOutcome Failed(AttemptFailure failure) => new(failure, 0, NoGrpcStatus, null);

    public static AttemptOutcome Answered(int status, int grpcStatus = NoGrpcStatus, string? retryAfter = null) => new(AttemptFailure.None, status, grpcStatus, retryAfter);

    /// <summary>The destination could not be talked to: what outlier detection calls a local failure.</summary>
    public bool IsLocalFailure => Failure is AttemptFailure.Connect or AttemptFailure.Refused or AttemptFailure.Reset or AttemptFailure.PerTryTimeout;

    /// <summary>502, 503, 504, or gRPC UNAVAILABLE: the codes that gateways and overloaded servers give.</summary>
    public bool IsGatewayError => Status is 502 or 503 or 504 || GrpcStatus is 14;

    /// <summary>Any 5xx, or the gRPC codes that mean a server's own fault: UNKNOWN, INTERNAL, UNAVAILABLE, DATA_LOSS.</summary>
    public bool IsServerError => Status >= 500 || GrpcStatus is 2 or 13 or 14 or 15;

    /// <summary>Counts against the destination.</summary>
    public bool IsDestinationFailure => IsLocalFailure || IsServerError || Failure == AttemptFailure.Deadline;
}
