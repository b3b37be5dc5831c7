namespace AspireMesh.Proxy.Faults.Kinds;

/// <summary>The destination takes no connection: nothing is sent, so every retry policy may try again.</summary>
internal sealed class RefuseFault : IBeforeFault
{
    public bool Ends => true;

    public void AddTo(BeforeBuilder strategies) => strategies.End(FaultEffect.None with { Break = FaultBreak.Refuse });
}
