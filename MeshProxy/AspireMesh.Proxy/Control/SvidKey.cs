using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace AspireMesh.Proxy.Control;

/// <summary>A key pair that lives in this process only (ECDSA P-256), with the request that asks for a certificate for it.</summary>
internal sealed class SvidKey : IDisposable
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    /// <summary>A PKCS#10 request, DER. It names nothing: the control plane writes the identity it knows, not one it is asked for.</summary>
    public byte[] CreateRequest() => new CertificateRequest("", _key, HashAlgorithmName.SHA256).CreateSigningRequest();

    /// <summary>The certificate together with this key.</summary>
    /// <exception cref="ArgumentException">The certificate is for another key.</exception>
    public X509Certificate2 Attach(X509Certificate2 certificate) => certificate.CopyWithPrivateKey(_key);

    /// <inheritdoc/>
    public void Dispose() => _key.Dispose();
}
