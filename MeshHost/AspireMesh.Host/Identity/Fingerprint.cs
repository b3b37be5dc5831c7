using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace AspireMesh.Host.Identity;

/// <summary>The name of a certificate in tables: SHA-256 of it, lower-case hex.</summary>
internal static class Fingerprint
{
    public static string Of(X509Certificate2 certificate) => Convert.ToHexStringLower(SHA256.HashData(certificate.RawData));
}
