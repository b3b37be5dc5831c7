using AspireMesh.Protocol.Faults;

namespace AspireMesh.Chaos;

/// <summary>The faults a test can inject.</summary>
public static partial class Faults
{
    /// <summary>Answers with a status instead of forwarding.</summary>
    /// <param name="status">200 to 599.</param>
    public static Fault Abort(int status = 503) => new() { Kind = FaultKinds.Abort, Status = status };

    /// <summary>Answers a gRPC call with a code instead of forwarding it.</summary>
    /// <param name="code">1 to 16, for example 14 for UNAVAILABLE.</param>
    public static Fault AbortGrpc(int code = 14) => new() { Kind = FaultKinds.Abort, GrpcStatus = code };

    /// <summary>Waits before forwarding, always the same time.</summary>
    public static Fault Delay(TimeSpan time) => new() { Kind = FaultKinds.Delay, Delay = time };

    /// <summary>Waits a time drawn evenly from <paramref name="mean"/> ± <paramref name="halfWidth"/>.</summary>
    public static Fault DelayUniform(TimeSpan mean, TimeSpan halfWidth) => new() { Kind = FaultKinds.Delay, Delay = mean, Jitter = halfWidth, Distribution = "uniform" };

    /// <summary>Waits a normally distributed time, never less than none.</summary>
    public static Fault DelayNormal(TimeSpan mean, TimeSpan deviation) => new() { Kind = FaultKinds.Delay, Delay = mean, Jitter = deviation, Distribution = "normal" };

    /// <summary>Waits a heavy-tailed (Pareto) time with this mean: mostly short, now and then very long.</summary>
    public static Fault DelayHeavyTailed(TimeSpan mean) => new() { Kind = FaultKinds.Delay, Delay = mean, Distribution = "pareto" };

    /// <summary>Resets the connection instead of forwarding, after a time where one is given.</summary>
    public static Fault Reset(TimeSpan after = default) => new() { Kind = FaultKinds.Reset, Delay = after };
}
