using System.Net.Security;
using System.Security.Authentication;

namespace AspireMesh.Proxy.Faults.Handshakes;

/// <summary>What is different about a handshake.</summary>
internal sealed record HandshakeChange
{
    /// <summary>Presented in place of the SVID; null for the SVID.</summary>
    public SslStreamCertificateContext? Certificate { get; init; }

    /// <summary>Nothing is presented. Only the dialling side can.</summary>
    public bool NoCertificate { get; init; }

    /// <summary>The protocols offered and taken.</summary>
    public SslProtocols Protocols { get; init; } = SslProtocols.Tls13;

    /// <summary>The peer's certificate is judged by a clock that is so far ahead.</summary>
    public TimeSpan Skew { get; init; }

    /// <summary>Both, where two faults hit one handshake; the later one wins where they disagree.</summary>
    public HandshakeChange With(HandshakeChange later) => new()
    {
        Certificate = later.Certificate ?? Certificate,
        NoCertificate = later.NoCertificate || NoCertificate,
        Protocols = later.Protocols != SslProtocols.Tls13 ? later.Protocols : Protocols,
        Skew = later.Skew != TimeSpan.Zero ? later.Skew : Skew,
    };
}
