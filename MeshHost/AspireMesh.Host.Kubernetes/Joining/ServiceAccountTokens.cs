using AspireMesh.Host.Identity;
using AspireMesh.Host.Kubernetes.Discovery;
using AspireMesh.Host.Kubernetes.Watching;
using k8s;
using k8s.Models;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Host.Kubernetes.Joining;

/// <summary>
/// Joining by service-account token: the API server says whose it is (TokenReview). Taken is only a token made for this purpose (audience), of this namespace and
/// bound to a pod; the ServiceAccount names the workload, the pod the instance.
/// </summary>
internal sealed partial class ServiceAccountTokens(IKubernetes client, ClusterOptions options, ClusterView view, ILogger logger) : IWorkloadAttestor
{
    private const string PodName = "authentication.kubernetes.io/pod-name";
    private const string UserPrefix = "system:serviceaccount:";

    public async Task<Attestation> AttestAsync(string token, CancellationToken cancellationToken)
    {
        if (token.Length == 0) return Attestation.Refused("it showed no token");
        var review = await ReviewAsync(token, cancellationToken);
        var proved = Read(review.Status, options.Namespace);
        if (proved.Refusal is not null || view.Admit(proved.Workload, proved.Instance)) return proved;
        return Attestation.Refused($"its service account '{proved.Workload}' is no workload of this mesh");
    }

    public bool Readmit(string workload, string instance) => view.Admit(workload, instance);

    internal static Attestation Read(V1TokenReviewStatus? status, string ns)
    {
        if (status?.Authenticated != true) return Attestation.Refused(string.IsNullOrEmpty(status?.Error) ? "the API server does not know its token" : $"the API server says of its token: {status.Error}");
        // A server that knows no audiences answers without: such a token may have been made for anybody.
        if (status.Audiences?.Contains(ClusterNames.Audience) != true) return Attestation.Refused($"its token was not made for the audience '{ClusterNames.Audience}'");
        var user = status.User?.Username ?? "";
        var account = user.StartsWith(UserPrefix, StringComparison.Ordinal) ? user[UserPrefix.Length..].Split(':') : [];
        if (account.Length != 2) return Attestation.Refused("its token is not a service account's");
        if (account[0] != ns) return Attestation.Refused($"its service account is of the namespace '{account[0]}', not of '{ns}'");
        var pod = status.User?.Extra?.TryGetValue(PodName, out var names) == true ? names.FirstOrDefault() : null;
        return string.IsNullOrEmpty(pod) ? Attestation.Refused("its token is not bound to a pod") : new Attestation(account[1], pod, null);
    }

    private async Task<V1TokenReview> ReviewAsync(string token, CancellationToken cancellationToken)
    {
        try
        {
            var review = new V1TokenReview { Spec = new V1TokenReviewSpec { Token = token, Audiences = [ClusterNames.Audience] } };
            return await client.AuthenticationV1.CreateTokenReviewAsync(review, cancellationToken: cancellationToken);
        }
        catch (Exception e) when (ApiFailure.Is(e))
        {
            var reason = ApiFailure.Explain(e, "create", "tokenreviews.authentication.k8s.io");
            LogUnavailable(logger, reason);
            throw new AttestationUnavailableException($"tokens cannot be checked at the moment: {reason}", e);
        }
    }

    [LoggerMessage(60, LogLevel.Error, "Nobody can join: {Reason}.")]
    private static partial void LogUnavailable(ILogger logger, string reason);
}
