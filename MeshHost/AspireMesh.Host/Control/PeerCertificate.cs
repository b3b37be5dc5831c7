using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using AspireMesh.Host.Identity;
using AspireMesh.Protocol.Identity;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Host.Control;

/// <summary>Checks the certificate a client of the control port presents. None at all is taken here: joining has none yet, and every other call asks for it.</summary>
internal sealed partial class PeerCertificate(CertificateAuthority authority, TrustDomain trustDomain, TimeProvider time, ILogger logger)
{
    public bool Validate(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        if (certificate is null) return true;
        using var leaf = new X509Certificate2(certificate);
        var intermediates = chain?.ChainPolicy.ExtraStore ?? [];
        if (SvidValidator.TryValidate(leaf, intermediates, [.. authority.Roots], trustDomain, time.GetUtcNow(), out _, out var error)) return true;
        LogRefused(logger, error);
        return false;
    }

    [LoggerMessage(1, LogLevel.Warning, "Refused a connection to the control port: {Reason} [MESH0302]")]
    private static partial void LogRefused(ILogger logger, string reason);
}
