using AspireMesh.Protocol.Faults;
using AspireMesh.Proxy.Faults.Handshakes;

namespace AspireMesh.Proxy.Faults.Kinds;

/// <summary>Presents a certificate of the same workload in another trust domain: <see cref="Fault.Value"/>, <c>another.mesh</c> where it is not set.</summary>
internal sealed class WrongTrustDomainFault(Fault fault) : IHandshakeFault
{
    public FaultStage Stage => FaultStage.Handshake;

    public HandshakeChange Change(ChaosCertificates certificates) => new() { Certificate = certificates.Make([$"spiffe://{fault.Value ?? "another.mesh"}{certificates.Own.Path}"], certificates.Now.AddHours(-1), certificates.Now.AddHours(1)) };
}
