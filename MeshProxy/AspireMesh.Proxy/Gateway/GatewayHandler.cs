using System.Net;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Http;
using AspireMesh.Proxy.Inbound.Authentication;
using AspireMesh.Proxy.Outbound.Forwarding;
using AspireMesh.Proxy.Runtime;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Gateway;

/// <summary>One gateway's rules, as one snapshot has them.</summary>
internal sealed record GatewayRules(GatewayListener Listener, ListenerRules Routes, JwtValidator? Jwt, RateLimits? RateLimits);

/// <summary>Traffic from outside the mesh: token → rate limit → the routes, which lead to the same clusters as everything else.</summary>
internal sealed class GatewayHandler(RouteHandler routes, IMeshEvents events, TimeProvider time)
{
    public async Task HandleAsync(HttpContext context, HttpEntry entry, GatewayRules rules)
    {
        SetForwarded(context, entry);
        if (await RefuseAsync(context, entry, rules) is not { } refusal)
        {
            await routes.HandleAsync(context, rules.Routes);
            return;
        }

        var request = events.RequestStarted(new RequestStart(
            MeshSide.Gateway, null, rules.Routes.Workload, rules.Routes.Endpoint, context.Request.Method, context.Request.Path.Value ?? "/", context.Request.Protocol,
            context.Request.Headers.TraceParent, context.Request.Headers.TraceState, time.GetTimestamp()));
        request.Decided(new PolicyDecision(Telemetry.MeshNames.RefusalDecision, refusal.Flag));
        await refusal.WriteAsync(context);
        request.Ended(new RequestEnd(null, null, context.Response.StatusCode, null, refusal.Flag, 0, TimeSpan.Zero, refusal.Reason));
    }

    private async ValueTask<ErrorAnswer?> RefuseAsync(HttpContext context, HttpEntry entry, GatewayRules rules)
    {
        var remote = (entry.Remote as IPEndPoint)?.Address.ToString() ?? "";
        if (rules.Jwt is { } jwt && (await jwt.ValidateAsync(context)).Refusal is { } unauthenticated)
        {
            events.Refused(new Refusal(MeshSide.Gateway, RefusalReason.Token, rules.Listener.Name, remote, null, unauthenticated.Reason));
            return unauthenticated;
        }

        if (rules.RateLimits is null || rules.RateLimits.TryTake(context.Request, CallerIdentity.Unknown, out var limit, out var wait)) return null;
        events.Refused(new Refusal(MeshSide.Gateway, RefusalReason.Limit, rules.Listener.Name, remote, limit));
        return new ErrorAnswer(429, ResponseFlags.RateLimited, $"The rate limit '{limit}' is used up.", "Wait as Retry-After says.") { RetryAfter = wait };
    }

    /// <summary>The gateway is the first hop that can be believed: what a client says about where it came from is replaced, not appended to.</summary>
    private static void SetForwarded(HttpContext context, HttpEntry entry)
    {
        var headers = context.Request.Headers;
        headers.Remove("Forwarded");
        headers.Remove(Outbound.Routing.LoopGuard.Header);
        headers["X-Forwarded-For"] = (entry.Remote as IPEndPoint)?.Address.ToString();
        headers["X-Forwarded-Proto"] = context.Request.Scheme;
        headers["X-Forwarded-Host"] = context.Request.Host.Value;
    }
}
