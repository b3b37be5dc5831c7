namespace AspireMesh.Proxy.Faults.Kinds;

/// <summary>The destination takes no connection: nothing is sent, so every retry policy may try again.</summary>
internal sealed class RefuseFault : IBeforeFault
{
    public bool Ends => true;

    public ValueTask<FaultEffect> BeforeAsync(FaultFiring firing, CancellationToken cancellation) => ValueTask.FromResult(FaultEffect.None with { Break = FaultBreak.Refuse });
}
