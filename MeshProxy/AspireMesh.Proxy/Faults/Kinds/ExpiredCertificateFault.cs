using AspireMesh.Proxy.Faults.Handshakes;

namespace AspireMesh.Proxy.Faults.Kinds;

/// <summary>Presents a certificate that ended an hour ago.</summary>
internal sealed class ExpiredCertificateFault : IHandshakeFault
{
    public FaultStage Stage => FaultStage.Handshake;

    public HandshakeChange Change(ChaosCertificates certificates) => new() { Certificate = certificates.Make([certificates.Own.ToString()], certificates.Now.AddHours(-3), certificates.Now.AddHours(-1)) };
}
