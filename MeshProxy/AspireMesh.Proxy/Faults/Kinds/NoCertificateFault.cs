using AspireMesh.Proxy.Faults.Handshakes;

namespace AspireMesh.Proxy.Faults.Kinds;

/// <summary>Dials without presenting a certificate.</summary>
internal sealed class NoCertificateFault : IHandshakeFault
{
    public FaultStage Stage => FaultStage.Handshake;

    public HandshakeChange Change(ChaosCertificates certificates) => new() { NoCertificate = true };
}
