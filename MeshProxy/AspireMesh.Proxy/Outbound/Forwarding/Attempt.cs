using System.Globalization;
using AspireMesh.Proxy.Faults;
using AspireMesh.Proxy.Faults.Bytes;
using AspireMesh.Proxy.Http;
using AspireMesh.Proxy.Outbound.Deadlines;
using AspireMesh.Proxy.Outbound.Farewell;
using AspireMesh.Proxy.Outbound.LoadBalancing;
using AspireMesh.Proxy.Outbound.Retries;
using AspireMesh.Proxy.Outbound.Routing;
using AspireMesh.Proxy.Runtime;
using AspireMesh.Proxy.Telemetry;
using Microsoft.AspNetCore.Http;
using Yarp.ReverseProxy.Forwarder;

namespace AspireMesh.Proxy.Outbound.Forwarding;

/// <summary>
/// One send to one destination. YARP copies headers and bodies; this says what goes out, learns what comes back at the moment of the response headers, and
/// holds a failed answer back when the request will be sent again.
/// </summary>
internal sealed class Attempt(OutboundServices services, OutboundRequest request, Destination destination, Func<AttemptOutcome, bool> willRetry) : HttpTransformer
{
    private readonly long _start = services.Time.GetTimestamp();
    private volatile bool _injecting;
    private HeaderDeadline? _deadline;
    private IAttemptEvents? _events;
    private HedgingInvoker? _hedges;
    private FiredFaults? _faults;
    private Action? _undoShape;
    private bool _observed;

    /// <summary>Where a fault of discovery sends it; null for the destination's own address.</summary>
    public string? DialedInstead { get; init; }

    /// <summary>How it ended; set once <see cref="RunAsync"/> returns.</summary>
    public AttemptOutcome Outcome { get; private set; }

    /// <summary>The response (or its beginning) went to the caller: nothing can be repeated any more.</summary>
    public bool Passed { get; private set; }

    /// <summary>The outcome was held back because the request will be sent again.</summary>
    public bool HeldBack { get; private set; }

    /// <summary>The far side's rules refused us.</summary>
    public DialException? Refusal { get; private set; }

    public async Task RunAsync(CompiledRoute route)
    {
        var timeouts = route.Snapshot.Timeouts;
        var limit = request.Deadline.ForAttempt(timeouts);
        _events = request.Events.AttemptStarted(request.Cluster.Snapshot, destination.Snapshot, request.Attempts);
        _deadline = new HeaderDeadline(services.Time, limit == TimeSpan.Zero ? TimeSpan.FromTicks(1) : limit, request.Context.RequestAborted, request.HasBody ? () => _injecting ? TimeSpan.Zero : request.Deadline.MoreForAttempt(timeouts, _start) : null);
        try
        {
            if (request.Leg.Faults is { } faults)
            {
                // A body that nobody reads yet is no reason for more time: a delay stands for a slow callee, and time limits are what it tests.
                _injecting = true;
                if (await InjectAsync(faults)) return;
                _injecting = false;
            }
            HttpMessageInvoker client = DialedInstead is null
                ? services.Clients.Get(request.Cluster.Snapshot, destination, timeouts.Connect)
                : services.Clients.Get(request.Cluster.Snapshot, destination.Snapshot with { Address = DialedInstead }, timeouts.Connect);
            if (HeaderHygiene.IsUpgrade(request.Context)) FarewellUpgrade.Attach(request.Context, services.Stopping, ((DestinationClient)client).Stopping);
            if (request.Hedging is { } hedging) client = _hedges = new HedgingInvoker(services, request, destination, client, hedging);
            if (_faults is not null) client = _faults.Around(client, MessageFraming.Of(request.Context.Request));
            var error = await services.Forwarder.SendAsync(request.Context, DestinationClient.Authority, client, route.Forwarding.For(request.Context.Request), this, _deadline.Token);
            Conclude(error);
        }
        catch (OperationCanceledException) when (_deadline.Token.IsCancellationRequested)
        {
            // A fault's delay ran into the deadline, or the caller left meanwhile.
            Settle(AttemptOutcome.Failed(TimeFailure()));
        }
        finally
        {
            if (!_observed) Settle(AttemptOutcome.Failed(AttemptFailure.Reset));
            _undoShape?.Invoke();
            _deadline.Dispose();
            destination.State.End();
        }
    }

    public override async ValueTask TransformRequestAsync(HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
    {
        await base.TransformRequestAsync(httpContext, proxyRequest, destinationPrefix, cancellationToken);
        proxyRequest.RequestUri = ForwardedTarget.For(DestinationClient.Authority, httpContext.Request, request.Path);
        if (request.Cluster.Snapshot.ServerName is { } outside && !LoopGuard.IsHere(outside)) proxyRequest.Headers.Remove(LoopGuard.Header);
        if (HostName.For(request, destination) is { } host) proxyRequest.Headers.Host = host;
        TraceHeaders.Write(proxyRequest.Headers, _events!.Trace);
        proxyRequest.Options.Set(DestinationClient.TraceKey, _events.Trace);
        if (request.GrpcTimeout is { } asked)
        {
            proxyRequest.Headers.Remove(GrpcTimeout.Header);
            proxyRequest.Headers.TryAddWithoutValidation(GrpcTimeout.Header, GrpcTimeout.Format(asked - request.Deadline.Elapsed));
        }
    }

    public override async ValueTask<bool> TransformResponseAsync(HttpContext httpContext, HttpResponseMessage? proxyResponse, CancellationToken cancellationToken)
    {
        // Null: nothing came back; Conclude says why.
        if (proxyResponse is null) return true;
        if (!_deadline!.TryPass()) return false;
        var outcome = AttemptOutcome.Answered((int)proxyResponse.StatusCode, GrpcStatusOf(proxyResponse.Headers), RetryAfterOf(proxyResponse));
        Settle(outcome);
        if (willRetry(outcome))
        {
            HeldBack = true;
            return false;
        }

        Passed = true;
        request.AnsweredBy = _hedges?.AnsweredBy ?? destination;
        request.HeadersAfter = request.Deadline.Elapsed;
        if (outcome.GrpcStatus != AttemptOutcome.NoGrpcStatus) request.GrpcStatus = outcome.GrpcStatus;
        await base.TransformResponseAsync(httpContext, proxyResponse, cancellationToken);
        EditResponse(httpContext);
        return true;
    }

    public override ValueTask TransformResponseTrailersAsync(HttpContext httpContext, HttpResponseMessage proxyResponse, CancellationToken cancellationToken)
    {
        var status = GrpcStatusOf(proxyResponse.TrailingHeaders);
        if (status != AttemptOutcome.NoGrpcStatus) request.GrpcStatus = status;
        return base.TransformResponseTrailersAsync(httpContext, proxyResponse, cancellationToken);
    }

    private void EditResponse(HttpContext context)
    {
        var snapshot = request.Route.Snapshot;
        if (context.Response.StatusCode is >= 300 and < 400
            && LocationRewriter.Rewrite(context.Response.Headers.Location, context.Request, request.Cluster.Snapshot.AppAddresses) is { } location)
            context.Response.Headers.Location = location;
        HeaderEditor.Apply(snapshot.ResponseHeaders, context.Response.Headers);
    }

    /// <summary>Faults act here, nearest the wire, so that what gets tested is the resilience around them. True when one ended the attempt.</summary>
    private async ValueTask<bool> InjectAsync(EdgeFaults faults)
    {
        if (faults.Decide(FaultStage.Request, request.Context.Request, request.Caller) is not { } fired) return false;
        _faults = fired;
        request.Mark(fired);
        foreach (var rule in fired.Rules) _events!.FaultFired(rule);
        var effect = await fired.BeforeAsync(_deadline!.Token);
        if (effect.Delayed) request.Flag(ResponseFlags.DelayInjected);
        if (effect.Break == FaultBreak.BlackHole) await Task.Delay(Timeout.InfiniteTimeSpan, services.Time, _deadline.Token);
        if (effect.Break != FaultBreak.None) Settle(AttemptOutcome.Failed(effect.Break == FaultBreak.Refuse ? AttemptFailure.Connect : AttemptFailure.Reset));
        else if (effect.Ends) await AnswerAsync(effect);
        else _undoShape = fired.ShapeRequest(request.Context);
        return effect.Ends;
    }

    private async ValueTask AnswerAsync(FaultEffect effect)
    {
        var outcome = AttemptOutcome.Answered(effect.Answer == 0 ? 200 : effect.Answer, effect.GrpcStatus, effect.RetryAfter is { } wait ? wait.TotalSeconds.ToString("0", CultureInfo.InvariantCulture) : null);
        Settle(outcome);
        if (willRetry(outcome))
        {
            HeldBack = true;
            return;
        }

        Passed = true;
        request.HeadersAfter = request.Deadline.Elapsed;
        if (effect.GrpcStatus >= 0) request.GrpcStatus = effect.GrpcStatus;
        await new ErrorAnswer(outcome.Status, ResponseFlags.FaultInjected, $"A fault answered in place of '{request.Cluster.Snapshot.Workload}'.", "Type: aspiremesh faults list")
        {
            GrpcCode = effect.GrpcStatus >= 0 ? effect.GrpcStatus : null,
            RetryAfter = effect.RetryAfter,
        }.WriteAsync(request.Context);
    }

    private void Conclude(ForwarderError error)
    {
        if (error == ForwarderError.None || _observed)
        {
            if (_observed && error != ForwarderError.None) MidStream(error);
            return;
        }

        var exception = request.Context.Features.Get<IForwarderErrorFeature>()?.Exception;
        request.Error = ForwarderFailure.Dial(exception)?.Message ?? exception?.GetBaseException().Message ?? error.ToString();
        Settle(AttemptOutcome.Failed(Classify(error, exception)));
    }

    private AttemptFailure Classify(ForwarderError error, Exception? exception)
    {
        if (_faults is { Broke: true }) return AttemptFailure.Reset;
        if (_deadline!.HasExpired) return TimeFailure();
        if (request.Context.RequestAborted.IsCancellationRequested) return AttemptFailure.CallerGone;
        if (ForwarderFailure.Dial(exception) is { } dial)
        {
            if (dial.Error == DialError.Denied) Refusal = dial;
            return AttemptFailure.Connect;
        }

        if (ForwarderFailure.IsRefusedStream(exception)) return AttemptFailure.Refused;
        if (ForwarderFailure.IsConnect(exception)) return AttemptFailure.Connect;
        return error switch
        {
            ForwarderError.RequestTimedOut => AttemptFailure.Deadline,
            ForwarderError.RequestBodyClient => AttemptFailure.BadRequest,
            _ => AttemptFailure.Reset,
        };
    }

    /// <summary>The response had begun: the caller sees a cut message, never a clean end, and the log says why.</summary>
    private void MidStream(ForwarderError error)
    {
        request.Error ??= error.ToString();
        if (error is ForwarderError.ResponseBodyCanceled or ForwarderError.ResponseBodyClient or ForwarderError.RequestBodyClient or ForwarderError.RequestBodyCanceled
            || request.Context.RequestAborted.IsCancellationRequested)
            request.Flag(ResponseFlags.CallerGone);
        else if (error is ForwarderError.UpgradeActivityTimeout) request.Flag(ResponseFlags.StreamIdle);
        else if (error is ForwarderError.ResponseBodyDestination) request.Flag(ResponseFlags.UpstreamReset);
    }

    private AttemptFailure TimeFailure() =>
        !_deadline!.HasExpired ? AttemptFailure.CallerGone : request.Deadline.Remaining > TimeSpan.Zero ? AttemptFailure.PerTryTimeout : AttemptFailure.Deadline;

    /// <summary>Tells balancer, breaker, outlier detection and telemetry, exactly once.</summary>
    private void Settle(AttemptOutcome outcome)
    {
        if (_observed) return;
        _observed = true;
        Outcome = outcome;
        // A refusal by rules is the far side working as it should.
        var judged = Refusal is not null ? AttemptOutcome.Answered(403) : _hedges?.OutcomeOfFirst ?? outcome;
        var (ejected, breaker) = (destination.State.Outliers.IsEjected, destination.Breaker?.State);
        var elapsed = services.Time.GetElapsedTime(_start);
        request.Cluster.Observe(destination, judged, elapsed);
        // Overtaken by a hedge: it is at least as slow as this, which is all that is known and what the balancer should know.
        if (outcome.Failure == AttemptFailure.None && judged.Failure == AttemptFailure.CallerGone) destination.State.Latency.Observe(elapsed.TotalMilliseconds, request.Cluster.Snapshot.LoadBalancing.EwmaDecay);
        if (!ejected && destination.State.Outliers.IsEjected) Tell(ResponseFlags.Ejected, MeshNames.EjectionDecision, destination.Name);
        if (destination.Breaker?.State is { } now && now != breaker) Tell(ResponseFlags.BreakerChanged, MeshNames.BreakerDecision, $"{destination.Name} {now}");
        int? grpc = outcome.GrpcStatus == AttemptOutcome.NoGrpcStatus ? null : outcome.GrpcStatus;
        _events!.Ended(new AttemptEnd(outcome.Status, grpc, outcome.Failure == AttemptFailure.None ? null : outcome.Failure.ToString()));
    }

    private void Tell(string flag, string decision, string reason)
    {
        request.Flag(flag);
        request.Events.Decided(new PolicyDecision(decision, reason));
    }

    private static int GrpcStatusOf(System.Net.Http.Headers.HttpResponseHeaders headers) =>
        headers.NonValidated.TryGetValues("grpc-status", out var values) && int.TryParse(values.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out var status)
            ? status
            : AttemptOutcome.NoGrpcStatus;

    private static string? RetryAfterOf(HttpResponseMessage response) =>
        response.Headers.NonValidated.TryGetValues("Retry-After", out var values) ? values.ToString() : null;
}
