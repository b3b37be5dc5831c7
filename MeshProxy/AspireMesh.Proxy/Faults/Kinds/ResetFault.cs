namespace AspireMesh.Proxy.Faults.Kinds;

/// <summary>Breaks the connection as if the destination had reset it.</summary>
internal sealed class ResetFault : IBeforeFault
{
    public bool Ends => true;

    public ValueTask<FaultEffect> BeforeAsync(FaultFiring firing, CancellationToken cancellation) => ValueTask.FromResult(FaultEffect.None with { Break = FaultBreak.Reset });
}
