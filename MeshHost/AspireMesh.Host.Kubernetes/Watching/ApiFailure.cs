using System.Net;
using System.Text.Json;
using k8s;
using k8s.Autorest;

namespace AspireMesh.Host.Kubernetes.Watching;

/// <summary>What a failed call to the API server means.</summary>
internal static class ApiFailure
{
    /// <summary>Failures of the API server or of the way to it; anything else is a defect and not caught.</summary>
    public static bool Is(Exception e) =>
        e is HttpOperationException or KubernetesException or HttpRequestException or IOException or JsonException
        || (e is TaskCanceledException { InnerException: TimeoutException });

    public static bool IsGone(Exception e) =>
        e is HttpOperationException { Response.StatusCode: HttpStatusCode.Gone } || (e is KubernetesException status && status.Status?.Code == (int)HttpStatusCode.Gone);

    public static bool IsMissing(Exception e) => e is HttpOperationException { Response.StatusCode: HttpStatusCode.NotFound };

    public static bool IsConflict(Exception e) => e is HttpOperationException { Response.StatusCode: HttpStatusCode.Conflict };

    public static bool IsForbidden(Exception e) => e is HttpOperationException { Response.StatusCode: HttpStatusCode.Forbidden or HttpStatusCode.Unauthorized };

    /// <summary>Half a sentence, with what to do where permission is missing.</summary>
    public static string Explain(Exception e, string verb, string resource) => e switch
    {
        _ when IsForbidden(e) => $"the API server forbids it. Give the service account '{ClusterNames.ControlPlane}' the verb '{verb}' on '{resource}' (the chart's Role has it)",
        HttpOperationException http => $"the API server answered {(int)http.Response.StatusCode} {http.Response.ReasonPhrase}",
        KubernetesException { Status: { } status } => $"the API server said {status.Code}: {status.Message}",
        _ => e.Message.TrimEnd('.'),
    };
}
