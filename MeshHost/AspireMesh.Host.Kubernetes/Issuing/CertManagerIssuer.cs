using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using AspireMesh.Host.Identity;
using AspireMesh.Host.Kubernetes.Keeping;
using AspireMesh.Host.Kubernetes.Watching;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Identity;
using k8s;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Host.Kubernetes.Issuing;

/// <summary>
/// Asks an issuer of the cluster for an intermediate CA: one CertificateRequest (cert-manager.io/v1, isCA) per answer. The key is made here and stays here; the
/// issuer signs a request for it. The object is removed once it is answered.
/// </summary>
internal sealed partial class CertManagerIssuer(IKubernetes client, ClusterOptions options, IssuerReference issuer, TrustDomain trustDomain, ILogger logger)
{
    private const string Group = "cert-manager.io";
    private const string Version = "v1";
    private const string Plural = "certificaterequests";

    /// <summary>An intermediate CA with its key.</summary>
    /// <exception cref="MeshValidationException">The issuer refused, or what it gave is no CA for this mesh.</exception>
    public async Task<GivenAuthority> RequestAsync(CancellationToken cancellationToken)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var name = $"{ClusterNames.IntermediateRequest}-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}";
        await client.CustomObjects.CreateNamespacedCustomObjectAsync(Body(name, key), Group, Version, options.Namespace, Plural, cancellationToken: cancellationToken);
        try
        {
            var status = await AnswerAsync(name, cancellationToken);
            return IssuedIntermediate.Read(Certificates(status, "certificate"), Certificates(status, "ca"), key, trustDomain, options.TimeProvider.GetUtcNow(), out var error)
                ?? throw Refused($"answered '{name}' with something that cannot be used: {error}");
        }
        finally
        {
            await RemoveAsync(name);
        }
    }

    private JsonObject Body(string name, ECDsa key)
    {
        var request = CertificateFactory.IntermediateRequest(trustDomain, key).CreateSigningRequestPem();
        return new JsonObject
        {
            ["apiVersion"] = $"{Group}/{Version}",
            ["kind"] = "CertificateRequest",
            ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = options.Namespace },
            ["spec"] = new JsonObject
            {
                ["issuerRef"] = new JsonObject { ["name"] = issuer.Name, ["kind"] = issuer.Kind, ["group"] = issuer.Group },
                ["request"] = Convert.ToBase64String(Encoding.ASCII.GetBytes(request)),
                ["isCA"] = true,
                ["usages"] = new JsonArray("cert sign", "crl sign"),
                ["duration"] = string.Create(CultureInfo.InvariantCulture, $"{(long)options.IntermediateLifetime.TotalMinutes}m"),
            },
        };
    }

    // Looked at again and again, because this happens once in weeks: a watch would need one permission more.
    private async Task<JsonObject> AnswerAsync(string name, CancellationToken cancellationToken)
    {
        var asked = options.TimeProvider.GetTimestamp();
        var said = TimeSpan.Zero;
        while (true)
        {
            var found = await ReadAsync(name, cancellationToken);
            var status = found["status"] as JsonObject ?? [];
            var conditions = (status["conditions"] as JsonArray ?? []).OfType<JsonObject>().ToLookup(c => (string?)c["type"], c => c);
            foreach (var type in new[] { "Denied", "InvalidRequest" })
            {
                if (conditions[type].FirstOrDefault(IsTrue) is { } no) throw Refused($"{(type == "Denied" ? "denied" : "calls invalid")} '{name}': {Words(no)}");
            }
            var ready = conditions["Ready"].FirstOrDefault();
            if (ready is not null && (string?)ready["reason"] is "Failed" or "Denied") throw Refused($"failed with '{name}': {Words(ready!)}");
            if (ready is not null && IsTrue(ready)) return status;
            var waited = options.TimeProvider.GetElapsedTime(asked);
            if (waited - said >= options.IssuerPatience)
            {
                said = waited;
                var condition = ready is null ? conditions.Contains("Approved") ? "approved, and nothing has happened since" : "nobody has approved it" : Words(ready);
                LogPending(logger, name, waited.TotalSeconds, condition, options.Namespace);
            }
            await Task.Delay(options.RetryPause, options.TimeProvider, cancellationToken);
        }
    }

    private async Task<JsonObject> ReadAsync(string name, CancellationToken cancellationToken)
    {
        try
        {
            var found = await client.CustomObjects.GetNamespacedCustomObjectAsync(Group, Version, options.Namespace, Plural, name, cancellationToken);
            return JsonNode.Parse(KubernetesJson.Serialize(found)) as JsonObject ?? [];
        }
        catch (Exception e) when (ApiFailure.IsMissing(e))
        {
            throw Refused($"has not answered '{name}', which somebody removed");
        }
    }

    // What is left behind is litter and no danger: the request holds a public key.
    private async Task RemoveAsync(string name)
    {
        try
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5), options.TimeProvider);
            await client.CustomObjects.DeleteNamespacedCustomObjectAsync(Group, Version, options.Namespace, Plural, name, cancellationToken: limit.Token);
        }
        catch (Exception e) when (ApiFailure.Is(e) || e is OperationCanceledException)
        {
            LogLeft(logger, name, ApiFailure.Explain(e, "delete", $"{Plural}.{Group}"));
        }
    }

    private static string Certificates(JsonObject status, string field)
    {
        try
        {
            return Encoding.ASCII.GetString(Convert.FromBase64String((string?)status[field] ?? ""));
        }
        catch (FormatException)
        {
            return "";
        }
    }

    private static bool IsTrue(JsonObject condition) => (string?)condition["status"] == "True";

    private static string Words(JsonObject condition) => $"{(string?)condition["reason"] ?? "no reason"}: {((string?)condition["message"])?.TrimEnd('.') ?? "no message"}";

    private MeshValidationException Refused(string what) => new([MeshDiagnostics.IssuerRefused.Found(
        $"The {issuer.Kind} '{issuer.Name}' {what}. See: kubectl describe {issuer.Kind.ToLowerInvariant()} {issuer.Name}; kubectl get events --namespace {options.Namespace} | grep {ClusterNames.IntermediateRequest}")]);

    [LoggerMessage(60, LogLevel.Warning, "The CertificateRequest '{Name}' has been pending for {Seconds:0} s: {Condition}. It is waited for. See: kubectl describe certificaterequest {Name} --namespace {Namespace}")]
    private static partial void LogPending(ILogger logger, string name, double seconds, string condition, string @namespace);

    [LoggerMessage(61, LogLevel.Warning, "The answered CertificateRequest '{Name}' was not removed: {Reason}.")]
    private static partial void LogLeft(ILogger logger, string name, string reason);
}
