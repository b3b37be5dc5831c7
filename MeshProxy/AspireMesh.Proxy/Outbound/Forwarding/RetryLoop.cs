using AspireMesh.Proxy.Faults;
using AspireMesh.Proxy.Http;
using AspireMesh.Proxy.Outbound.CircuitBreaking;
using AspireMesh.Proxy.Outbound.LoadBalancing;
using AspireMesh.Proxy.Outbound.Retries;
using AspireMesh.Proxy.Runtime;
using AspireMesh.Proxy.Telemetry;
using Microsoft.AspNetCore.Http;
using Yarp.ReverseProxy.Forwarder;

namespace AspireMesh.Proxy.Outbound.Forwarding;

/// <summary>
/// Sends a request until an answer goes to the caller or nothing more may be tried: choose a destination → attempt → is it worth another, and allowed?
/// The decision is made once per outcome, at the moment the response headers come, because an answer held back is lost.
/// </summary>
internal sealed class RetryLoop(OutboundServices services, OutboundRequest request)
{
    private TimeSpan _pause;

    /// <returns>What to answer the caller; null when an answer has gone out already.</returns>
    public async Task<ErrorAnswer?> RunAsync()
    {
        request.Route.Budget?.CountRequest();
        while (true)
        {
            var discovered = request.Leg.Faults is { } faults ? Discover(faults) : default;
            if (discovered.NoDestination) return NoDestination(ChoiceFailure.NoneHealthy);
            if (request.Cluster.Choose(request.Context, request.Tried, out var failure) is not { } destination) return NoDestination(failure);
            if (destination.Breaker?.State == BreakerState.HalfOpen)
            {
                request.Flag(ResponseFlags.BreakerChanged);
                request.Events.Decided(new PolicyDecision(MeshNames.BreakerDecision, $"{destination.Name} {BreakerState.HalfOpen}"));
            }

            request.Attempts++;
            var attempt = new Attempt(services, request, destination, WillRetry) { DialedInstead = discovered.AddressFor(destination.Name) };
            await attempt.RunAsync(request.Route);
            if (attempt.Passed) return null;
            if (attempt.Refusal is { } refusal) return Answers.RefusedByPeer(request, refusal);
            if (!attempt.HeldBack && !WillRetry(attempt.Outcome)) return Answers.For(request, attempt.Outcome);
            var reason = Reason(attempt.Outcome);
            request.Flag(ResponseFlags.Retried);
            services.Events.Retried(request.Cluster.Snapshot, request.Route.Snapshot.Name, reason);
            request.Events.Decided(new PolicyDecision(MeshNames.RetryDecision, reason));
            Forget(destination);
            if (_pause > TimeSpan.Zero && !await PauseAsync()) return Answers.For(request, AttemptOutcome.Failed(AttemptFailure.CallerGone));
        }
    }

    private DiscoveryChange Discover(EdgeFaults faults)
    {
        if (faults.Decide(FaultStage.Discovery, request.Context.Request, request.Caller) is not { } fired) return default;
        request.Mark(fired);
        foreach (var rule in fired.Rules) request.Events.FaultFired(rule);
        return fired.Discovery();
    }

    private bool WillRetry(AttemptOutcome outcome)
    {
        if (request.Route.Retry is not { } rules || request.Hedging is not null) return false;
        if (!rules.ShouldRetry(outcome, request.Context.Request.Method, request.Body?.WasRead ?? false)) return false;
        if (request.Attempts > rules.Policy.MaxRetries)
        {
            if (rules.Policy.MaxRetries > 0) request.Flag(ResponseFlags.RetriesExhausted);
            return false;
        }

        if (request.HasBody && request.Body is not { CanReplay: true }) return Refuse("body");
        if (rules.Pause(outcome, request.Attempts, services.Chance, services.Time.GetUtcNow()) is not { } pause) return Refuse("retry_after");
        if (pause >= request.Deadline.Remaining) return Refuse("deadline");
        if (!request.Route.Budget!.TryWithdraw())
        {
            request.Flag(ResponseFlags.RetryBudgetExhausted);
            return Refuse("budget");
        }

        _pause = pause;
        return true;
    }

    private bool Refuse(string reason)
    {
        services.Events.RetryRefused(request.Cluster.Snapshot, request.Route.Snapshot.Name, reason);
        request.Events.Decided(new PolicyDecision(MeshNames.RetryRefusedDecision, reason));
        return false;
    }

    /// <summary>Makes the context look untouched again: YARP refuses to forward when a status, an error or a half-read body is left over.</summary>
    private void Forget(Destination destination)
    {
        var context = request.Context;
        context.Features.Set<IForwarderErrorFeature>(null);
        context.Response.Clear();
        request.Error = null;
        request.Body?.TryRewind();
        if (request.Route.Retry!.Policy.OtherDestination) (request.Tried ??= []).Add(destination.State);
    }

    private async ValueTask<bool> PauseAsync()
    {
        try
        {
            await Task.Delay(_pause, services.Time, request.Context.RequestAborted);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private ErrorAnswer NoDestination(ChoiceFailure failure)
    {
        request.HeadersAfter = request.Deadline.Elapsed;
        var reason = failure == ChoiceFailure.BreakersOpen ? RefusalReason.BreakersOpen : RefusalReason.NoDestination;
        services.Events.Refused(new Refusal(MeshSide.Outbound, reason, request.Cluster.Snapshot.Endpoint, request.Caller.Workload ?? "") { Destination = request.Cluster.Snapshot.Workload, Route = request.Route.Snapshot.Name });
        request.Events.Decided(new PolicyDecision(MeshNames.RefusalDecision, failure == ChoiceFailure.BreakersOpen ? "breakers_open" : "no_destination"));
        return failure == ChoiceFailure.BreakersOpen ? Answers.BreakersOpen(request) : Answers.NoneHealthy(request);
    }

    private static string Reason(in AttemptOutcome outcome) =>
        outcome.Failure != AttemptFailure.None ? outcome.Failure.ToString().ToLowerInvariant()
        : outcome.GrpcStatus > 0 ? $"grpc {outcome.GrpcStatus}"
        : outcome.Status.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
