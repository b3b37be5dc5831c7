using AspireMesh.Protocol.Faults;

namespace AspireMesh.Proxy.Faults.Kinds;

/// <summary>Breaks the connection as if the destination had reset it, after <see cref="Fault.Delay"/> where that is set.</summary>
internal sealed class ResetFault(Fault fault) : IBeforeFault
{
    public bool Ends => true;

    public void AddTo(BeforeBuilder strategies)
    {
        if (fault.Delay > TimeSpan.Zero) strategies.Delay(_ => fault.Delay);
        strategies.End(FaultEffect.None with { Break = FaultBreak.Reset });
    }
}
