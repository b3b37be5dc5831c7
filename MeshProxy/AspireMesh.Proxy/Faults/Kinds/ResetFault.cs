namespace AspireMesh.Proxy.Faults.Kinds;

/// <summary>Breaks the connection as if the destination had reset it.</summary>
internal sealed class ResetFault : IFaultKind
{
    public ValueTask<FaultEffect> BeforeAsync(FaultFiring firing, CancellationToken cancellation) => ValueTask.FromResult(FaultEffect.None with { Reset = true });
}
