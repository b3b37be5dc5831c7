using AspireMesh.Protocol.Policies;
using AspireMesh.Proxy.Http;
using AspireMesh.Proxy.Outbound.Deadlines;
using AspireMesh.Proxy.Outbound.Limits;
using AspireMesh.Proxy.Outbound.Retries;
using AspireMesh.Proxy.Outbound.Routing;
using AspireMesh.Proxy.Runtime;
using AspireMesh.Proxy.Telemetry;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace AspireMesh.Proxy.Outbound.Forwarding;

/// <summary>One listener's rules, as one snapshot has them.</summary>
/// <param name="Side">Outbound or gateway.</param>
/// <param name="Caller">Who calls: this sidecar, or nobody known at a gateway.</param>
/// <param name="Workload">What the listener is for, named when no route matches.</param>
/// <param name="Endpoint">Its endpoint.</param>
/// <param name="Routes">The routes.</param>
/// <param name="Gate">Caps; null for none.</param>
/// <param name="Flag">A response flag that every request gets; null for none.</param>
internal sealed record ListenerRules(MeshSide Side, CallerIdentity Caller, string Workload, string Endpoint, RouteTable Routes, ConcurrencyGate? Gate, string? Flag = null);

/// <summary>
/// A request's way out, read from top to bottom: route → redirect or preflight → split → limits → edits → attempts. Shared by outbound listeners and
/// gateways, whose routes lead to the same clusters.
/// </summary>
internal sealed class RouteHandler(OutboundServices services)
{
    public async Task HandleAsync(HttpContext context, ListenerRules rules)
    {
        var arrived = services.Time.GetTimestamp();
        HeaderHygiene.CleanRequest(context);
        var route = rules.Routes.Find(context.Request, rules.Caller, out var prefix);
        var leg = route?.Split.Choose(services.Chance);
        var events = services.Events.RequestStarted(StartOf(context, rules, leg, arrived));
        if (leg is not null && route!.Snapshot.Clusters.Length > 1) Tell(route, leg, events);
        if (services.Loops.Enter(context.Request.Headers) is { } loop) await RefuseAsync(context, events, rules, loop);
        else if (route is null) await AnswerAsync(context, events, null, NoRoute(context, rules));
        else if (route.Snapshot.Redirect is { } redirect) await RedirectAsync(context, events, route, Redirect.Location(redirect, context.Request, prefix), redirect.Status);
        else if (route.Snapshot.Cors is { } cors && Cors.IsPreflight(context.Request)) await PreflightAsync(context, events, route, cors);
        else if (leg is null) await AnswerAsync(context, events, route, new ErrorAnswer(503, ResponseFlags.NoHealthyUpstream, $"The route '{route.Snapshot.Name}' leads to no cluster.", "Give one of its split's legs a weight above 0."));
        else await ForwardAsync(context, rules, route, leg, prefix, events);
    }

    private async Task ForwardAsync(HttpContext context, ListenerRules rules, CompiledRoute route, RouteLeg leg, string? prefix, IRequestEvents events)
    {
        var grpcTimeout = ErrorAnswer.IsGrpc(context.Request) ? GrpcTimeout.Parse(context.Request.Headers[GrpcTimeout.Header]) : null;
        var deadline = new RequestDeadline(services.Time, route.Snapshot.Timeouts, grpcTimeout);
        var hasBody = context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody == true && !HeaderHygiene.IsUpgrade(context);
        var whole = hasBody ? new WatchedBody(context.Request.Body, deadline) : context.Request.Body;
        using var body = hasBody && (route.Retry is { Policy.MaxRetries: > 0 } || route.Mirror is not null) ? new ReplayBody(whole, route.Retry?.Policy.ReplayBytes ?? Mirroring.Mirror.MaxBody) : null;
        var path = Edit(context, route, leg, prefix);
        var request = new OutboundRequest(context, rules.Caller, route, leg, path, events, deadline) { GrpcTimeout = grpcTimeout, Body = body, HasBody = hasBody };
        if (rules.Flag is { } flag) request.Flag(flag);
        if (route.Snapshot.Clusters.Length > 1) request.Flag(ResponseFlags.Split);
        // Also for what the sidecar answers itself: a page that may not read a 503 sees a network error.
        if (route.Snapshot.Cors is { } cors) context.Response.OnStarting(static s => DecorateAsync(((CorsPolicy, HttpContext))s), (cors, context));
        var original = context.Request.Body;
        if (hasBody) context.Request.Body = body ?? whole;
        ErrorAnswer? answer = null;
        try
        {
            (var entered, answer) = await EnterAsync(rules.Gate, request);
            if (entered) answer = await RunAsync(rules.Gate, request);
            if (answer is not null) await answer.WriteAsync(context);
        }
        finally
        {
            context.Request.Body = original;
            var status = context.RequestAborted.IsCancellationRequested && !context.Response.HasStarted ? 0 : context.Response.StatusCode;
            if (status == 0) request.Flag(ResponseFlags.CallerGone);
            events.Ended(new RequestEnd(route.Snapshot.Name, answer is null ? request.AnsweredBy?.Name : null, status, request.GrpcStatus, request.Flags, request.Attempts, request.HeadersAfter, request.Error, request.Faults));
        }
    }

    private async Task<ErrorAnswer?> RunAsync(ConcurrencyGate? gate, OutboundRequest request)
    {
        try
        {
            services.Mirror.Begin(request);
            var answer = await new RetryLoop(services, request).RunAsync();
            services.Mirror.End(request);
            return answer;
        }
        finally
        {
            gate?.Leave();
        }
    }

    private async ValueTask<(bool Entered, ErrorAnswer? Answer)> EnterAsync(ConcurrencyGate? gate, OutboundRequest request)
    {
        if (gate is null || gate.TryEnter()) return (true, null);
        // Nothing left is no limit to HeaderDeadline.
        var left = request.Deadline.Remaining is var remaining && remaining > TimeSpan.Zero ? remaining : TimeSpan.FromTicks(1);
        using var deadline = new HeaderDeadline(services.Time, left, request.Context.RequestAborted);
        try
        {
            if (await gate.EnterAsync(deadline.Token)) return (true, null);
        }
        catch (OperationCanceledException) when (!deadline.HasExpired)
        {
            return (false, Answers.For(request, AttemptOutcome.Failed(AttemptFailure.CallerGone)));
        }
        catch (OperationCanceledException)
        {
            TellLimit(request);
            return (false, Answers.For(request, AttemptOutcome.Failed(AttemptFailure.Deadline)));
        }

        TellLimit(request);
        return (false, Answers.QueueFull(request));
    }

    private void TellLimit(OutboundRequest request)
    {
        services.Events.Refused(new Refusal(MeshSide.Outbound, RefusalReason.Limit, request.Cluster.Snapshot.Endpoint, request.Caller.Workload ?? "", "concurrency") { Destination = request.Cluster.Snapshot.Workload, Route = request.Route.Snapshot.Name });
        request.Events.Decided(new PolicyDecision(MeshNames.RefusalDecision, "concurrency"));
    }

    /// <summary>Header edits and the rewritten host go into the request once; every attempt and the mirror copy from there.</summary>
    private static string? Edit(HttpContext context, CompiledRoute route, RouteLeg leg, string? prefix)
    {
        HeaderEditor.Apply(route.Snapshot.RequestHeaders, context.Request.Headers);
        HeaderEditor.Apply(leg.RequestHeaders, context.Request.Headers);
        if (route.Snapshot.Rewrite is not { } rewrite) return null;
        if (rewrite.Host is { } host) context.Request.Host = new HostString(host);
        if (rewrite.Path is null && rewrite.PrefixPath is null) return null;
        return PathEdits.Apply(context.Request.Path.Value ?? "/", rewrite.Path, rewrite.PrefixPath, prefix);
    }

    private void Tell(CompiledRoute route, RouteLeg leg, IRequestEvents events)
    {
        services.Events.SplitDecided(leg.Cluster.Snapshot, route.Snapshot.Name);
        events.Decided(new PolicyDecision(MeshNames.SplitDecision, leg.Cluster.Snapshot.Name));
    }

    private static RequestStart StartOf(HttpContext context, ListenerRules rules, RouteLeg? leg, long arrived) => new(
        rules.Side, rules.Caller.Workload, leg?.Cluster.Snapshot.Workload ?? rules.Workload, leg?.Cluster.Snapshot.Endpoint ?? rules.Endpoint,
        context.Request.Method, context.Request.Path.Value ?? "/", context.Request.Protocol,
        context.Request.Headers.TraceParent, context.Request.Headers.TraceState, arrived);

    private static ErrorAnswer NoRoute(HttpContext context, ListenerRules rules) =>
        new(404, ResponseFlags.NoRoute, $"No route of '{rules.Workload}' matches {context.Request.Method} {context.Request.Path}.", "Type: aspiremesh routes");

    private static Task RedirectAsync(HttpContext context, IRequestEvents events, CompiledRoute route, string location, int status)
    {
        context.Response.StatusCode = status;
        context.Response.Headers.Location = location;
        HeaderEditor.Apply(route.Snapshot.ResponseHeaders, context.Response.Headers);
        events.Ended(new RequestEnd(route.Snapshot.Name, null, status, null, null, 0, TimeSpan.Zero, null));
        return Task.CompletedTask;
    }

    private static Task DecorateAsync((CorsPolicy Rules, HttpContext Context) answer)
    {
        Cors.Decorate(answer.Rules, answer.Context);
        return Task.CompletedTask;
    }

    private static Task PreflightAsync(HttpContext context, IRequestEvents events, CompiledRoute route, CorsPolicy cors)
    {
        Cors.AnswerPreflight(cors, context);
        events.Ended(new RequestEnd(route.Snapshot.Name, null, context.Response.StatusCode, null, null, 0, TimeSpan.Zero, null));
        return Task.CompletedTask;
    }

    private async Task RefuseAsync(HttpContext context, IRequestEvents events, ListenerRules rules, ErrorAnswer loop)
    {
        services.Events.Refused(new Refusal(rules.Side, RefusalReason.Loop, rules.Endpoint, rules.Caller.Workload ?? "", null, loop.Reason) { Destination = rules.Workload });
        events.Decided(new PolicyDecision(MeshNames.RefusalDecision, "loop"));
        await AnswerAsync(context, events, null, loop);
    }

    private static async Task AnswerAsync(HttpContext context, IRequestEvents events, CompiledRoute? route, ErrorAnswer answer)
    {
        await answer.WriteAsync(context);
        events.Ended(new RequestEnd(route?.Snapshot.Name, null, context.Response.StatusCode, null, answer.Flag, 0, TimeSpan.Zero, answer.Reason));
    }
}
