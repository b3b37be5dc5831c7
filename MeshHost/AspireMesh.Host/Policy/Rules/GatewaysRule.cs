using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;

namespace AspireMesh.Host.Policy.Rules;

/// <summary>Gateways: certificate, tokens, limits, matches, and HTTP behind them.</summary>
internal sealed class GatewaysRule : IModelRule
{
    public void Check(MeshModel model, ProblemList problems)
    {
        foreach (var gateway in model.Gateways)
        {
            var subject = $"Gateway '{gateway.Name}'";
            InboundPolicyChecks.Check(gateway.Jwt, subject, problems);
            InboundPolicyChecks.Check(gateway.RateLimits, subject, problems);
            RouteChecks.Check(gateway.Routes.Select(r => r.Match), subject, problems);
            CheckCertificate(gateway.CertificatePem, subject, problems);
            foreach (var (name, endpoint) in gateway.Routes.Select(r => (r.Workload, r.Endpoint)).Append((gateway.Workload, gateway.Endpoint)))
            {
                var target = model.Workloads.FirstOrDefault(w => w.Name == name)?.Endpoints.FirstOrDefault(e => e.Name == endpoint);
                if (target is { Protocol: AppProtocol.Tcp })
                {
                    problems.Add(MeshDiagnostics.PoliciesConflict, $"{subject} leads to '{name}.{endpoint}', which carries opaque TCP. A gateway works on HTTP: choose an http endpoint.");
                }
            }
        }
    }

    private static void CheckCertificate(string? pem, string subject, ProblemList problems)
    {
        if (pem is null) return;
        try
        {
            using var certificate = X509Certificate2.CreateFromPem(pem, pem);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            problems.Add(MeshDiagnostics.BadCertificate, $"{subject}: its certificate cannot be used ({e.Message}). Give PEM with certificate and unencrypted key; for development: dotnet dev-certs https --export-path gateway.pem --format PEM --no-password");
        }
    }
}
