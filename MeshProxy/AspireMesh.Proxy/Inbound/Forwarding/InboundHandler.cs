using AspireMesh.Proxy.Faults;
using AspireMesh.Proxy.Faults.Bytes;
using AspireMesh.Proxy.Http;
using AspireMesh.Proxy.Inbound.Authorization;
using AspireMesh.Proxy.Runtime;
using AspireMesh.Proxy.Telemetry;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Yarp.ReverseProxy.Forwarder;

namespace AspireMesh.Proxy.Inbound.Forwarding;

/// <summary>
/// A request's way in, where an endpoint works on requests: authentication → authorization → rate limit → fault → load shedding → app.
/// Who calls was settled by the TLS handshake before the first byte came here.
/// </summary>
internal sealed class InboundHandler(TimeProvider time, IMeshEvents events, IHttpForwarder forwarder)
{
    // The outbound side bounds the time and the idle time; a second limit here would only cut what the first lets live.
    private static readonly ForwarderRequestConfig s_http1 = new() { Version = System.Net.HttpVersion.Version11, VersionPolicy = HttpVersionPolicy.RequestVersionExact, ActivityTimeout = Timeout.InfiniteTimeSpan };
    private static readonly ForwarderRequestConfig s_http2 = s_http1 with { Version = System.Net.HttpVersion.Version20 };

    public async Task HandleAsync(HttpContext context, HttpEntry entry, InboundRules rules, string workload)
    {
        var arrived = time.GetTimestamp();
        HeaderHygiene.CleanRequest(context);
        var caller = CallerIdentity.FromPeer(entry.Peer);
        var request = events.RequestStarted(new RequestStart(
            MeshSide.Inbound, caller.Id, workload, rules.Endpoint.Name, context.Request.Method, context.Request.Path.Value ?? "/", context.Request.Protocol,
            context.Request.Headers.TraceParent, context.Request.Headers.TraceState, arrived));
        var flags = new List<string>();
        AppForward? forward = null;
        FiredFaults? fired = null;
        Action? undoShape = null;
        string? error = null;
        try
        {
            var refusal = await RefuseAsync(context, caller, rules, request, flags);
            if (refusal is null && (fired = rules.FaultsFrom(caller)?.Decide(FaultStage.Request, context.Request, caller)) is not null) refusal = await FaultAsync(context, fired, request, flags);
            if (refusal is not null)
            {
                if (!flags.Contains(refusal.Flag)) flags.Add(refusal.Flag);
                error = refusal.Reason;
                request.Decided(new PolicyDecision(MeshNames.RefusalDecision, refusal.Flag));
                await refusal.WriteAsync(context);
            }
            else if (rules.App is { } app)
            {
                forward = new AppForward(app, caller, rules.Endpoint.IdentityHeader, request, time);
                undoShape = fired?.ShapeRequest(context);
                error = await ForwardAsync(context, rules, fired?.Around(app, MessageFraming.Of(context.Request)) ?? app, forward, caller, request, flags, workload);
            }
        }
        finally
        {
            undoShape?.Invoke();
            var status = context.RequestAborted.IsCancellationRequested && !context.Response.HasStarted ? 0 : context.Response.StatusCode;
            request.Ended(new RequestEnd(
                null, forward?.HeadersAfter is null ? null : rules.Endpoint.App, status, forward?.GrpcStatus, flags.Count == 0 ? null : string.Join(',', flags),
                forward is null ? 0 : 1, forward?.HeadersAfter ?? time.GetElapsedTime(arrived), error, fired?.Ids));
        }
    }

    private async ValueTask<ErrorAnswer?> RefuseAsync(HttpContext context, CallerIdentity caller, InboundRules rules, IRequestEvents request, List<string> flags)
    {
        IReadOnlyDictionary<string, IReadOnlyList<string>>? claims = null;
        if (rules.Jwt is { } jwt)
        {
            var result = await jwt.ValidateAsync(context);
            if (result.Refusal is not null) return Count(RefusalReason.Token, rules, caller, null, result.Refusal);
            claims = result.Claims;
        }

        var decision = rules.Authorization.Judge(context, caller, claims);
        if (decision.Audited is { } audited)
        {
            flags.Add(ResponseFlags.Audited);
            request.Decided(new PolicyDecision(MeshNames.AuditDecision, audited));
            events.Audited(new Refusal(MeshSide.Inbound, RefusalReason.Denied, rules.Endpoint.Name, caller.Id ?? "", audited));
        }

        if (!decision.Allowed) return Count(RefusalReason.Denied, rules, caller, decision.Rule, Denied(caller, rules, decision));
        if (rules.RateLimits is { } limits && !limits.TryTake(context.Request, caller, out var limit, out var wait))
            return Count(RefusalReason.Limit, rules, caller, limit, new ErrorAnswer(429, ResponseFlags.RateLimited, $"The rate limit '{limit}' is used up.", "Wait as Retry-After says.") { RetryAfter = wait });
        if (rules.App is null)
            return Count(RefusalReason.AppUnreachable, rules, caller, null, new ErrorAnswer(503, ResponseFlags.NoHealthyUpstream, $"The app's address for '{rules.Endpoint.Name}' is not known yet.", "Type: aspiremesh check"));
        return null;
    }

    private async ValueTask<ErrorAnswer?> FaultAsync(HttpContext context, FiredFaults fired, IRequestEvents request, List<string> flags)
    {
        foreach (var rule in fired.Rules) request.FaultFired(rule);
        if (fired.DoesMoreThanWait) flags.Add(ResponseFlags.FaultInjected);
        var effect = FaultEffect.None;
        try
        {
            effect = await fired.BeforeAsync(context.RequestAborted);
            if (effect.Delayed) flags.Add(ResponseFlags.DelayInjected);
            if (effect.Break == FaultBreak.BlackHole) await Task.Delay(Timeout.InfiniteTimeSpan, time, context.RequestAborted);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            flags.Add(ResponseFlags.CallerGone);
            effect = effect with { Break = FaultBreak.Reset };
        }

        if (effect.Break == FaultBreak.Reset) context.Abort();
        if (!effect.Ends) return null;
        var status = effect.Break == FaultBreak.Refuse ? 503 : effect.Answer == 0 ? 200 : effect.Answer;
        return new ErrorAnswer(status, ResponseFlags.FaultInjected, "A fault answered in place of the app.", "Type: aspiremesh faults list")
        {
            RetryAfter = effect.RetryAfter,
            GrpcCode = effect.GrpcStatus >= 0 ? effect.GrpcStatus : null,
        };
    }

    private async Task<string?> ForwardAsync(HttpContext context, InboundRules rules, HttpMessageInvoker app, AppForward forward, CallerIdentity caller, IRequestEvents request, List<string> flags, string workload)
    {
        if (rules.LoadShedding is { } shed)
        {
            if (!shed.TryEnter()) return await ShedAsync(context, rules, caller, request, flags, workload);
            forward.HoldPlace(shed);
        }

        try
        {
            var config = HttpProtocol.IsHttp2(context.Request.Protocol) ? s_http2 : s_http1;
            var error = await forwarder.SendAsync(context, rules.App!.Authority, app, config, forward, context.RequestAborted);
            if (error == ForwarderError.None) return null;
            var exception = context.Features.Get<IForwarderErrorFeature>()?.Exception;
            if (context.RequestAborted.IsCancellationRequested) flags.Add(ResponseFlags.CallerGone);
            else if (forward.HeadersAfter is null && !PassOnRefusal(context, exception, flags)) await AnswerFailureAsync(context, exception, flags, workload);
            return exception?.GetBaseException().Message ?? error.ToString();
        }
        finally
        {
            forward.LeavePlace();
        }
    }

    private async Task<string?> ShedAsync(HttpContext context, InboundRules rules, CallerIdentity caller, IRequestEvents request, List<string> flags, string workload)
    {
        flags.Add(ResponseFlags.LoadShed);
        request.Decided(new PolicyDecision(MeshNames.RefusalDecision, ResponseFlags.LoadShed));
        await new ErrorAnswer(503, ResponseFlags.LoadShed, $"'{workload}' has as much to do as it can do in time.", "Try again later.") { RetryAfter = TimeSpan.FromSeconds(1) }.WriteAsync(context);
        events.Refused(new Refusal(MeshSide.Inbound, RefusalReason.Limit, rules.Endpoint.Name, caller.Id ?? "", "load-shedding"));
        return "load shedding";
    }

    /// <summary>
    /// A stream that the app refused is refused towards the caller too, whose side kept the body and may send it to another destination: any answer would say that the request
    /// was processed. Requests without a body are sent to the app again by HttpClient, up to three times; a refusal passed on would be multiplied by the same on the other side.
    /// </summary>
    private static bool PassOnRefusal(HttpContext context, Exception? exception, List<string> flags)
    {
        if (!ForwarderFailure.IsRefusedBody(exception) || context.Features.Get<IHttpResetFeature>() is not { } stream) return false;
        flags.Add(ResponseFlags.UpstreamReset);
        stream.Reset(ForwarderFailure.RefusedStream);
        return true;
    }

    private static Task AnswerFailureAsync(HttpContext context, Exception? exception, List<string> flags, string workload)
    {
        var connect = ForwarderFailure.IsConnect(exception);
        var flag = connect ? ResponseFlags.UpstreamConnectFailure : ResponseFlags.UpstreamReset;
        flags.Add(flag);
        return new ErrorAnswer(
            connect ? 503 : 502, flag, connect ? $"'{workload}' does not take connections." : $"'{workload}' broke the connection before it answered.", $"Look at the log of '{workload}'.").WriteAsync(context);
    }

    private ErrorAnswer Count(RefusalReason reason, InboundRules rules, CallerIdentity caller, string? rule, ErrorAnswer answer)
    {
        events.Refused(new Refusal(MeshSide.Inbound, reason, rules.Endpoint.Name, caller.Id ?? "", rule, answer.Reason));
        return answer;
    }

    private static ErrorAnswer Denied(CallerIdentity caller, InboundRules rules, AuthorizationDecision decision) => new(
        403, ResponseFlags.Unauthorized,
        decision.Rule == AuthorizationRules.NoRule ? $"No rule lets '{caller.Workload ?? "an unauthenticated caller"}' do this on '{rules.Endpoint.Name}'." : $"The rule '{decision.Rule}' refuses this on '{rules.Endpoint.Name}'.",
        "If it may: .AllowFrom(…) in the AppHost, with these methods and paths.");
}
