using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using AspireMesh.Proxy.Tests.Pairs;
using AspireMesh.TestKit;

namespace AspireMesh.Proxy.Tests.Passthrough;

/// <summary>Apps that speak TLS with a certificate of their own and answer a byte with their name, and clients of them.</summary>
internal sealed class TlsApp(TestCertificates authority)
{
    /// <summary>An app that shows a certificate for these names.</summary>
    public TcpApp Start(string name, params string[] names)
    {
        var issued = authority.Issue(new SvidShape { DnsNames = names });
        var certificate = X509CertificateLoader.LoadPkcs12(issued.Export(X509ContentType.Pkcs12), null);
        return TcpApp.Start(async s =>
        {
            await using var tls = new SslStream(s);
            try
            {
                await tls.AuthenticateAsServerAsync(certificate);
            }
            catch (Exception e) when (e is System.Security.Authentication.AuthenticationException)
            {
                return;
            }
            if (await tls.ReadAsync(new byte[1]) == 0) return;
            await tls.WriteAsync(System.Text.Encoding.ASCII.GetBytes(name));
            await tls.ShutdownAsync();
        });
    }

    /// <summary>Speaks TLS over a stream and says who answered; the certificate must be the authority's, for the name that was asked for.</summary>
    public async Task<string> AskAsync(Stream stream, string? serverName, CancellationToken cancellationToken)
    {
        await using var tls = new SslStream(stream, leaveInnerStreamOpen: false);
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.AddRange(authority.Roots);
        var options = new SslClientAuthenticationOptions { TargetHost = serverName ?? "", CertificateChainPolicy = policy };
        if (serverName is null) options.RemoteCertificateValidationCallback = (_, _, _, errors) => (errors & ~SslPolicyErrors.RemoteCertificateNameMismatch) == 0;
        await tls.AuthenticateAsClientAsync(options, cancellationToken);
        await tls.WriteAsync(new byte[1], cancellationToken);
        using var reader = new StreamReader(tls);
        return await reader.ReadToEndAsync(cancellationToken);
    }
}
