using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using AspireMesh.Rehearsal.StandIn;

namespace AspireMesh.Host.Kubernetes.Tests;

/// <summary>
/// What cert-manager does with CertificateRequests, and nothing else: looks at each that comes and writes its status. How it answers is the test's to say.
/// </summary>
internal sealed class CertManager : IAsyncDisposable
{
    private const string Plural = "certificaterequests";

    private readonly StandInApi _api;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _running;

    public CertManager(StandInApi api, Answer answer)
    {
        (_api, Reply) = (api, answer);
        _running = RunAsync();
    }

    /// <summary>Makes the status of a request; null leaves it as it is: nobody has looked at it yet.</summary>
    public delegate JsonObject? Answer(CertificateRequest request, JsonObject spec);

    /// <summary>How requests are answered that come from now on, and those that are still open.</summary>
    public Answer Reply { get; set; }

    /// <summary>A root of an issuer.</summary>
    public static X509Certificate2 Root(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        return request.CreateSelfSigned(TimeProvider.System.GetUtcNow().AddDays(-1), TimeProvider.System.GetUtcNow().AddDays(30));
    }

    /// <summary>Answers as a CA issuer does.</summary>
    /// <param name="root">Its root.</param>
    /// <param name="lived">How much of the life of what it signs is over already.</param>
    /// <param name="left">How much is left.</param>
    public static Answer Issuing(X509Certificate2 root, TimeSpan lived = default, TimeSpan? left = null) => (request, _) => Issued(Sign(root, request, lived, left ?? TimeSpan.FromDays(1)), root);

    public static X509Certificate2 Sign(X509Certificate2 root, CertificateRequest request, TimeSpan lived, TimeSpan left)
    {
        var now = TimeProvider.System.GetUtcNow();
        var serial = RandomNumberGenerator.GetBytes(16);
        serial[0] &= 0x7f;
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(root, true, false));
        return request.Create(root.SubjectName, X509SignatureGenerator.CreateForECDsa(root.GetECDsaPrivateKey()!), now - lived, now + left, serial);
    }

    public static JsonObject Issued(X509Certificate2 certificate, X509Certificate2? ca) => new()
    {
        ["conditions"] = new JsonArray(Condition("Approved", "True", "cert-manager.io", ""), Condition("Ready", "True", "Issued", "Certificate fetched from issuer successfully")),
        ["certificate"] = Base64(certificate.ExportCertificatePem()),
        ["ca"] = ca is null ? null : Base64(ca.ExportCertificatePem()),
    };

    public static JsonObject Status(params JsonObject[] conditions) => new() { ["conditions"] = new JsonArray([.. conditions]) };

    public static JsonObject Condition(string type, string status, string reason, string message) => new() { ["type"] = type, ["status"] = status, ["reason"] = reason, ["message"] = message };

    public static string Base64(string text) => Convert.ToBase64String(Encoding.ASCII.GetBytes(text));

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        using var look = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (await look.WaitForNextTickAsync(_stop.Token).AsTask().ContinueWith(t => t.IsCompletedSuccessfully, TaskScheduler.Default))
        {
            foreach (var item in _api.Objects.List(Plural, o => o["status"]?["certificate"] is null && o["answered"] is null).Items)
            {
                var spec = item["spec"]!.AsObject();
                var pem = Encoding.ASCII.GetString(Convert.FromBase64String((string)spec["request"]!));
                var request = CertificateRequest.LoadSigningRequestPem(pem, HashAlgorithmName.SHA256, CertificateRequestLoadOptions.UnsafeLoadCertificateExtensions);
                if (Reply(request, spec) is not { } status || status.ToJsonString() == item["status"]?.ToJsonString()) continue;
                item["status"] = status;
                _api.Objects.Replace(Plural, item, out _);
            }
        }
    }
}
