using AspireMesh.Protocol.Faults;

namespace AspireMesh.Proxy.Faults.Kinds;

/// <summary>
/// Waits before forwarding. Reads <see cref="Fault.Delay"/>, <see cref="Fault.Jitter"/> and <see cref="Fault.Distribution"/>: fixed; uniform within
/// ±jitter; normal (Box-Muller) with the jitter as deviation; pareto with shape 2, whose mean is the delay and whose tail is heavy.
/// </summary>
internal sealed class DelayFault(Fault fault) : IBeforeFault
{
    /// <summary>A heavy tail is cut here: a test must end.</summary>
    private const double LongestFactor = 50;

    public void AddTo(BeforeBuilder strategies) => strategies.Delay(Length);

    internal TimeSpan Length(FaultFiring firing)
    {
        var mean = fault.Delay.TotalMilliseconds;
        var jitter = fault.Jitter.TotalMilliseconds;
        var sample = fault.Distribution switch
        {
            "uniform" => mean + (jitter * ((2 * firing.Chance) - 1)),
            "normal" => mean + (jitter * Math.Sqrt(-2 * Math.Log(1 - firing.Chance)) * Math.Cos(2 * Math.PI * firing.OtherChance)),
            "pareto" => mean / 2 / Math.Sqrt(1 - firing.Chance),
            _ => mean,
        };
        return TimeSpan.FromMilliseconds(Math.Clamp(sample, 0, Math.Max(mean, 1) * LongestFactor));
    }
}
