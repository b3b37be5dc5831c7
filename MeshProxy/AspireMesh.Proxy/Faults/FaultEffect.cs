namespace AspireMesh.Proxy.Faults;

/// <summary>What a fault did to a request before it was forwarded.</summary>
/// <param name="Delayed">It waited.</param>
/// <param name="Answer">Answer with this status instead of forwarding; 0 for none.</param>
/// <param name="GrpcStatus">With this gRPC code; -1 for none.</param>
/// <param name="Reset">Break the connection instead of forwarding.</param>
internal readonly record struct FaultEffect(bool Delayed, int Answer, int GrpcStatus, bool Reset)
{
    public static FaultEffect None => new(false, 0, -1, false);

    public bool Ends => Reset || Answer != 0 || GrpcStatus >= 0;
}
