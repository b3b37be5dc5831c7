namespace AspireMesh.Proxy.Faults.Kinds;

/// <summary>The sidecar's stream to the control plane breaks, and none is made again while the fault is in force. It can be taken away by nobody then: it ends with its time.</summary>
internal sealed class ControlDisconnectFault : IControlFault
{
    public FaultStage Stage => FaultStage.Control;

    public ControlChange Change() => new(Away: true, Breaks: true, TimeSpan.Zero);
}
