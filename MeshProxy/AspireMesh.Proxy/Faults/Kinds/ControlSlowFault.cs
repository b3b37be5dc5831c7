using AspireMesh.Protocol.Faults;

namespace AspireMesh.Proxy.Faults.Kinds;

/// <summary>Every message of the control plane is obeyed <see cref="Fault.Delay"/> late.</summary>
internal sealed class ControlSlowFault(Fault fault) : IControlFault
{
    public FaultStage Stage => FaultStage.Control;

    public ControlChange Change() => new(Away: false, Breaks: false, fault.Delay);
}
