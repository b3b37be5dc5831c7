using System.Collections.Immutable;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using AspireMesh.Host.Identity;
using AspireMesh.Protocol.Identity;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Host.Control;

/// <summary>
/// Checks the certificate a client of the control port presents. None at all is taken here: joining has none yet, and every other call asks for it.
/// Which root it chains to is kept with the connection: a control plane that began anew learns so what sidecars have, without making all of them renew at once.
/// </summary>
internal sealed partial class PeerCertificate(Func<ImmutableArray<X509Certificate2>> roots, TrustDomain trustDomain, TimeProvider time, ILogger logger)
{
    private const string RootKey = "aspiremesh.root";

    /// <summary>The check for one connection.</summary>
    /// <param name="items">The connection's.</param>
    public RemoteCertificateValidationCallback For(IDictionary<object, object?> items) => (_, certificate, chain, _) => Validate(certificate, chain, items);

    /// <summary>Thumbprint of the root that the peer's certificate chains to; null when it presented none.</summary>
    public static string? RootOf(HttpContext context) => context.Features.Get<IConnectionItemsFeature>()?.Items.TryGetValue(RootKey, out var root) == true ? root as string : null;

    private bool Validate(X509Certificate? certificate, X509Chain? chain, IDictionary<object, object?> items)
    {
        if (certificate is null) return true;
        using var leaf = new X509Certificate2(certificate);
        var intermediates = chain?.ChainPolicy.ExtraStore ?? [];
        var error = "no root is trusted";
        // Newest first: that is the one, except while a rotation runs.
        foreach (var root in roots().Reverse())
        {
            if (!SvidValidator.TryValidate(leaf, intermediates, [root], trustDomain, time.GetUtcNow(), out _, out var found))
            {
                error = found;
                continue;
            }
            items[RootKey] = Fingerprint.Of(root);
            return true;
        }
        LogRefused(logger, error);
        return false;
    }

    [LoggerMessage(1, LogLevel.Warning, "Refused a connection to the control port: {Reason} [MESH0302]")]
    private static partial void LogRefused(ILogger logger, string reason);
}
