namespace AspireMesh.Proxy.Faults.Kinds;

/// <summary>No new stream and no renewal succeeds; the stream there is goes on.</summary>
internal sealed class ControlRefuseFault : IControlFault
{
    public FaultStage Stage => FaultStage.Control;

    public ControlChange Change() => new(Away: true, Breaks: false, TimeSpan.Zero);
}
