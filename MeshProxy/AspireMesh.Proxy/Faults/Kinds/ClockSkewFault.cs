using AspireMesh.Protocol.Faults;
using AspireMesh.Proxy.Faults.Handshakes;

namespace AspireMesh.Proxy.Faults.Kinds;

/// <summary>Judges the peer's certificate by a clock that is <see cref="Fault.Delay"/> ahead, or behind where <see cref="Fault.Value"/> says <c>behind</c>.</summary>
internal sealed class ClockSkewFault(Fault fault) : IHandshakeFault
{
    public FaultStage Stage => FaultStage.Handshake;

    public HandshakeChange Change(ChaosCertificates certificates) => new() { Skew = fault.Value == "behind" ? -fault.Delay : fault.Delay };
}
