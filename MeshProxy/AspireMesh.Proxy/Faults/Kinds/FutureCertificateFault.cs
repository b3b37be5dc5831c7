using AspireMesh.Proxy.Faults.Handshakes;

namespace AspireMesh.Proxy.Faults.Kinds;

/// <summary>Presents a certificate that begins in an hour.</summary>
internal sealed class FutureCertificateFault : IHandshakeFault
{
    public FaultStage Stage => FaultStage.Handshake;

    public HandshakeChange Change(ChaosCertificates certificates) => new() { Certificate = certificates.Make([certificates.Own.ToString()], certificates.Now.AddHours(1), certificates.Now.AddHours(3)) };
}
