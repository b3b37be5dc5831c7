using System.Security.Authentication;
using AspireMesh.Proxy.Faults.Handshakes;

namespace AspireMesh.Proxy.Faults.Kinds;

/// <summary>Speaks TLS 1.2 only, which no sidecar does.</summary>
internal sealed class DowngradeFault : IHandshakeFault
{
    public FaultStage Stage => FaultStage.Handshake;

    public HandshakeChange Change(ChaosCertificates certificates) => new() { Protocols = SslProtocols.Tls12 };
}
