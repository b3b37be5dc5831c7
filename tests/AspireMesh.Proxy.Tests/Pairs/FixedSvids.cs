using System.Security.Cryptography.X509Certificates;
using AspireMesh.Proxy.Tls;
using AspireMesh.TestKit;

namespace AspireMesh.Proxy.Tests.Pairs;

/// <summary>An SVID source without a control plane; a test replaces what it gives.</summary>
internal sealed class FixedSvids(TestCertificates certificates, X509Certificate2 leaf) : ISvidSource
{
    public Svid? Current { get; private set; } = new(leaf, [], certificates.Roots);

    public event Action? Changed;

    public void Replace(X509Certificate2 next)
    {
        Current = new Svid(next, [], certificates.Roots);
        Changed?.Invoke();
    }
}
