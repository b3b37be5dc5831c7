using AspireMesh.Proxy.Faults.Handshakes;

namespace AspireMesh.Proxy.Faults.Kinds;

/// <summary>Presents a certificate with two identities, the right one and another.</summary>
internal sealed class TwoSansFault : IHandshakeFault
{
    public FaultStage Stage => FaultStage.Handshake;

    public HandshakeChange Change(ChaosCertificates certificates) => new() { Certificate = certificates.Make([certificates.Own.ToString(), certificates.Own + "-too"], certificates.Now.AddHours(-1), certificates.Now.AddHours(1)) };
}
