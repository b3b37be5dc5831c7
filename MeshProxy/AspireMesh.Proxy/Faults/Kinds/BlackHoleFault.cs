namespace AspireMesh.Proxy.Faults.Kinds;

/// <summary>Nothing reaches the destination and nothing comes back, until the caller or a deadline gives up.</summary>
internal sealed class BlackHoleFault : IBeforeFault
{
    public bool Ends => true;

    public ValueTask<FaultEffect> BeforeAsync(FaultFiring firing, CancellationToken cancellation) => ValueTask.FromResult(FaultEffect.None with { Break = FaultBreak.BlackHole });
}
