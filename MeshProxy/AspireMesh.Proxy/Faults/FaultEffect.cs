namespace AspireMesh.Proxy.Faults;

/// <summary>What a fault did to a request before it was forwarded.</summary>
/// <param name="Delayed">It waited.</param>
/// <param name="Answer">Answer with this status instead of forwarding; 0 for none.</param>
/// <param name="GrpcStatus">With this gRPC code; -1 for none.</param>
/// <param name="Break">Break the connection instead of forwarding.</param>
/// <param name="RetryAfter">Goes with the answer; null for none.</param>
internal readonly record struct FaultEffect(bool Delayed, int Answer, int GrpcStatus, FaultBreak Break, TimeSpan? RetryAfter = null)
{
    public static FaultEffect None => new(false, 0, -1, FaultBreak.None);

    public bool Ends => Break != FaultBreak.None || Answer != 0 || GrpcStatus >= 0;
}

/// <summary>How a connection is broken, or what stands in for its destination.</summary>
internal enum FaultBreak
{
    /// <summary>It is not.</summary>
    None,

    /// <summary>As if the destination had reset it.</summary>
    Reset,

    /// <summary>As if nobody listened there.</summary>
    Refuse,

    /// <summary>Nothing arrives and nothing comes back.</summary>
    BlackHole,
}

/// <summary>A fault broke a stream of bytes in its middle.</summary>
internal sealed class FaultBreakException(string message) : IOException(message);
