using System.Security.Cryptography.X509Certificates;

namespace AspireMesh.Simulator.Dashboard.Start;

/// <summary>The certificate of <c>dotnet dev-certs https</c>, with which Kestrel serves https on localhost.</summary>
internal static class DeveloperCertificate
{
    // The extension that marks it (ASP.NET Core's certificate manager).
    private const string Marker = "1.3.6.1.4.1.311.84.1.1";

    internal static bool Exists()
    {
        using var store = new X509Store(StoreName.My, StoreLocation.CurrentUser);
        try
        {
            store.Open(OpenFlags.ReadOnly | OpenFlags.OpenExistingOnly);
        }
        catch (System.Security.Cryptography.CryptographicException)
        {
            return false; // No store yet: nothing was ever put into it.
        }

        return store.Certificates.Any(c => c.HasPrivateKey && c.Extensions.Any(e => e.Oid?.Value == Marker));
    }
}
