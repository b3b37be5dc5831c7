using AspireMesh.Protocol.Faults;

namespace AspireMesh.Proxy.Faults.Kinds;

/// <summary>
/// Nothing reaches the destination and nothing comes back, until the caller or a deadline gives up. Where <see cref="Fault.Delay"/> is set the connection breaks after that time,
/// as it does when something on the way forgets it.
/// </summary>
internal sealed class BlackHoleFault(Fault fault) : IBeforeFault
{
    public bool Ends => true;

    public void AddTo(BeforeBuilder strategies)
    {
        if (fault.Delay > TimeSpan.Zero) strategies.Delay(_ => fault.Delay);
        strategies.End(FaultEffect.None with { Break = fault.Delay > TimeSpan.Zero ? FaultBreak.Reset : FaultBreak.BlackHole });
    }
}
