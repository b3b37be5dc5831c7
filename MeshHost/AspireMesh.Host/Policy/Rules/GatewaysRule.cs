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
            if (gateway.TlsRoutes.Length > 0)
            {
                CheckPassthrough(model, gateway, subject, problems);
                continue;
            }
            foreach (var (name, endpoint) in gateway.Routes.Select(r => (r.Workload, r.Endpoint)).Append((gateway.Workload, gateway.Endpoint)))
            {
                var target = model.Workloads.FirstOrDefault(w => w.Name == name)?.Endpoints.FirstOrDefault(e => e.Name == endpoint);
                if (target is { Protocol: AppProtocol.Tcp })
                {
                    problems.Add(MeshDiagnostics.PoliciesConflict, $"{subject} leads to '{name}.{endpoint}', which carries opaque TCP. A gateway works on HTTP: choose an http endpoint, or lead TLS there with TlsRoutes.");
                }
            }
        }
    }

    private static void CheckPassthrough(MeshModel model, GatewayModel gateway, string subject, ProblemList problems)
    {
        void Refuse(bool set, string name)
        {
            if (set) problems.Add(MeshDiagnostics.PoliciesConflict, $"{subject} passes TLS through by server name, which {name} cannot work with. Leave it out, or open a second gateway for HTTP.");
        }
        Refuse(gateway.Routes.Length > 0, "Routes");
        Refuse(gateway.Jwt is not null, "Jwt");
        Refuse(gateway.RateLimits.Length > 0, "RateLimits");
        Refuse(gateway.CertificatePem is not null, "a certificate");
        EdgePoliciesRule.CheckTls(model, gateway.TlsRoutes, gateway.Workload, gateway.Endpoint, subject, problems);
        var own = gateway.TlsRoutes.Any(r => r.Split.IsEmpty || r.Split.Any(l => l.Workload is null && l.Endpoint is null));
        if (own && model.Workloads.FirstOrDefault(w => w.Name == gateway.Workload)?.Endpoints.FirstOrDefault(e => e.Name == gateway.Endpoint) is { Protocol: AppProtocol.Http })
        {
            problems.Add(MeshDiagnostics.PoliciesConflict, $"{subject} passes TLS through to '{gateway.Workload}.{gateway.Endpoint}', which carries HTTP. Make the endpoint a tcp one, or give the route legs that lead to one.");
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
