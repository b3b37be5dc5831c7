using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace AspireMesh.Proxy.Tls;

/// <summary>The certificate a gateway shows to clients outside the mesh: PEM of leaf, any intermediates, and key.</summary>
internal static class GatewayCertificate
{
    public static SslStreamCertificateContext Read(string pem)
    {
        var chain = new X509Certificate2Collection();
        chain.ImportFromPem(pem);
        var leaf = X509Certificate2.CreateFromPem(pem, pem);
        return SslStreamCertificateContext.Create(leaf, [.. chain.Skip(1)], offline: true);
    }

    /// <summary>What is wrong with the text; null when nothing is.</summary>
    public static string? Check(string pem)
    {
        try
        {
            using var leaf = X509Certificate2.CreateFromPem(pem, pem);
            return leaf.HasPrivateKey ? null : "it has no private key";
        }
        catch (CryptographicException e)
        {
            return e.Message;
        }
    }
}
