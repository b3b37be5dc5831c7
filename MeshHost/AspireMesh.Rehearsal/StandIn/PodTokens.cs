using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace AspireMesh.Rehearsal.StandIn;

/// <summary>Projected service-account tokens: opaque here, since only TokenReview ever reads one.</summary>
internal sealed class PodTokens
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Holder> _holders = new(StringComparer.Ordinal);

    /// <summary>A token as the kubelet would mount it.</summary>
    public string Issue(string ns, string account, string? pod, string? audience)
    {
        var token = $"standin.{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(24))}";
        lock (_gate) _holders[token] = new Holder(ns, account, pod, audience);
        return token;
    }

    /// <summary>A token is worth nothing any more: its pod is gone, or its time is over.</summary>
    public void Revoke(string token)
    {
        lock (_gate) _holders.Remove(token);
    }

    /// <summary>Answers a TokenReview.</summary>
    public JsonObject Review(JsonObject review)
    {
        var spec = review["spec"]!.AsObject();
        var answer = review.DeepClone().AsObject();
        Holder? holder;
        lock (_gate) holder = _holders.GetValueOrDefault((string?)spec["token"] ?? "");
        var asked = spec["audiences"]?.AsArray().Select(a => (string?)a).ToArray() ?? [];
        if (holder is null) answer["status"] = new JsonObject { ["authenticated"] = false, ["error"] = "[invalid bearer token, Token has been invalidated]" };
        else if (holder.Audience is null || !asked.Contains(holder.Audience)) answer["status"] = new JsonObject { ["authenticated"] = false, ["error"] = $"[invalid bearer token, token audiences [\"{holder.Audience}\"] is invalid for the target audiences]" };
        else answer["status"] = Status(holder);
        return answer;
    }

    private static JsonObject Status(Holder holder)
    {
        var user = new JsonObject { ["username"] = $"system:serviceaccount:{holder.Namespace}:{holder.Account}", ["groups"] = new JsonArray("system:serviceaccounts") };
        if (holder.Pod is not null) user["extra"] = new JsonObject { ["authentication.kubernetes.io/pod-name"] = new JsonArray(holder.Pod) };
        return new JsonObject { ["authenticated"] = true, ["user"] = user, ["audiences"] = new JsonArray(holder.Audience) };
    }

    private sealed record Holder(string Namespace, string Account, string? Pod, string? Audience);
}
