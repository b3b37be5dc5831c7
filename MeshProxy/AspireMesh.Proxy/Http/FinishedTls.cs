using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Http.Features;

namespace AspireMesh.Proxy.Http;

/// <summary>Tells Kestrel that a handed-over connection came over TLS, which makes its requests' scheme https. A gateway asks for no client certificate.</summary>
internal sealed class FinishedTls : ITlsConnectionFeature
{
    public X509Certificate2? ClientCertificate { get; set; }

    public Task<X509Certificate2?> GetClientCertificateAsync(CancellationToken cancellationToken) => Task.FromResult(ClientCertificate);
}
