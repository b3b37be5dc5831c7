using AspireMesh.Protocol.Policies;
using AspireMesh.Proxy.Outbound.LoadBalancing;
using AspireMesh.Proxy.Outbound.Retries;

namespace AspireMesh.Proxy.Outbound.Forwarding;

/// <summary>
/// Sends a second copy of an idempotent request without a body when the first has not answered after the delay, and takes whichever good answer comes first
/// (Dean, Barroso: The Tail at Scale). It stands where the client stands, below the forwarder, because a response can be copied to the caller only once.
/// A copy is load that nobody asked for, as a retry is, and comes out of the same budget.
/// </summary>
internal sealed class HedgingInvoker(OutboundServices services, OutboundRequest request, Destination first, HttpMessageInvoker client, HedgingPolicy policy) : HttpMessageInvoker(s_nothing, disposeHandler: false)
{
    private static readonly SocketsHttpHandler s_nothing = new();

    /// <summary>Whose answer was taken; null while there is none.</summary>
    public Destination? AnsweredBy { get; private set; }

    /// <summary>How the first destination fared where another one's answer was taken; null where its answer is the attempt's, or it has none yet.</summary>
    public AttemptOutcome? OutcomeOfFirst { get; private set; }

    public override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage message, CancellationToken cancellationToken)
    {
        var used = new List<DestinationState> { first.State };
        var branches = new List<Branch>(policy.MaxHedges + 1) { Branch.Start(first, token => client.SendAsync(message, token), cancellationToken) };
        Branch? winner = null;
        try
        {
            var mayHedge = policy.MaxHedges > 0;
            while ((winner = branches.Find(static b => b.IsGood)) is null)
            {
                var pending = branches.Where(static b => !b.Task.IsCompleted).Select(static b => (Task)b.Task).ToList();
                // What has failed already needs no waiting: the next copy goes out at once.
                var hedgeNow = pending.Count == 0 || (mayHedge && await PassesAsync(policy.Delay, pending, cancellationToken));
                if (hedgeNow && mayHedge) mayHedge = Hedge(message, used, branches, cancellationToken) && branches.Count <= policy.MaxHedges;
                else if (pending.Count == 0) break;
                else if (!mayHedge) await Task.WhenAny(pending);
            }

            winner ??= branches[^1];
            if (winner != branches[0]) OutcomeOfFirst = branches[0].Outcome;
            AnsweredBy = winner.Destination;
            return await winner.Task;
        }
        finally
        {
            foreach (var branch in branches)
                if (!ReferenceEquals(branch, winner)) branch.Discard();
        }
    }

    /// <summary>Whether the delay passes before one of the tasks ends.</summary>
    private async Task<bool> PassesAsync(TimeSpan delay, List<Task> pending, CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var timer = Task.Delay(delay, services.Time, stop.Token);
        var passed = ReferenceEquals(await Task.WhenAny([.. pending, timer]), timer);
        await stop.CancelAsync();
        return passed && !cancellation.IsCancellationRequested;
    }

    private bool Hedge(HttpRequestMessage message, List<DestinationState> used, List<Branch> branches, CancellationToken cancellation)
    {
        if (request.Route.Budget is { } budget && !budget.TryWithdraw())
        {
            request.Flag(Http.ResponseFlags.RetryBudgetExhausted);
            services.Events.RetryRefused(request.Cluster.Snapshot, request.Route.Snapshot.Name, "budget");
            request.Events.Decided(new Runtime.PolicyDecision(Telemetry.MeshNames.RetryRefusedDecision, "budget"));
            return false;
        }

        if (request.Cluster.Choose(request.Context, used, out _) is not { } other) return false;
        used.Add(other.State);
        services.Events.Hedged(request.Cluster.Snapshot, request.Route.Snapshot.Name);
        request.Events.Decided(new Runtime.PolicyDecision(Telemetry.MeshNames.HedgeDecision, other.Name));
        branches.Add(Branch.Start(other, token => SendHedgeAsync(Copy(message), other, token), cancellation));
        return true;
    }

    private async Task<HttpResponseMessage> SendHedgeAsync(HttpRequestMessage copy, Destination other, CancellationToken cancellation)
    {
        var start = services.Time.GetTimestamp();
        var outcome = AttemptOutcome.Failed(AttemptFailure.CallerGone);
        try
        {
            var sibling = services.Clients.Get(request.Cluster.Snapshot, other.Snapshot, request.Route.Snapshot.Timeouts.Connect);
            var response = await sibling.SendAsync(copy, cancellation);
            outcome = AttemptOutcome.Answered((int)response.StatusCode);
            return response;
        }
        catch (HttpRequestException e)
        {
            outcome = AttemptOutcome.Failed(FailureOf(e));
            throw;
        }
        finally
        {
            request.Cluster.Observe(other, outcome, services.Time.GetElapsedTime(start));
            other.State.End();
        }
    }

    private static AttemptFailure FailureOf(Exception exception) => Http.ForwarderFailure.Dial(exception) is not null || Http.ForwarderFailure.IsConnect(exception) ? AttemptFailure.Connect : AttemptFailure.Reset;

    private static HttpRequestMessage Copy(HttpRequestMessage message)
    {
        var copy = new HttpRequestMessage(message.Method, message.RequestUri) { Version = message.Version, VersionPolicy = message.VersionPolicy };
        foreach (var header in message.Headers.NonValidated) copy.Headers.TryAddWithoutValidation(header.Key, (IEnumerable<string>)header.Value);
        return copy;
    }

    /// <summary>One copy under way, with a cancellation of its own: ending the losers must not touch the winner's body.</summary>
    private sealed class Branch(Destination destination, CancellationTokenSource cancellation, Task<HttpResponseMessage> task)
    {
        public Destination Destination { get; } = destination;

        public Task<HttpResponseMessage> Task { get; } = task;

        public bool IsGood => Task.IsCompletedSuccessfully && (int)Task.Result.StatusCode < 500;

        /// <summary>What it came to; one that was overtaken says nothing about its destination but that it is slow.</summary>
        public AttemptOutcome Outcome => Task.IsCompletedSuccessfully ? AttemptOutcome.Answered((int)Task.Result.StatusCode)
            : Task.Exception is { } error ? AttemptOutcome.Failed(FailureOf(error))
            : AttemptOutcome.Failed(AttemptFailure.CallerGone);

        public static Branch Start(Destination destination, Func<CancellationToken, Task<HttpResponseMessage>> send, CancellationToken outer)
        {
            var own = CancellationTokenSource.CreateLinkedTokenSource(outer);
            return new Branch(destination, own, send(own.Token));
        }

        public void Discard()
        {
            cancellation.Cancel();
            Task.ContinueWith(
                static (t, own) =>
                {
                    if (t.IsCompletedSuccessfully) t.Result.Dispose();
                    // Observed: a loser's failure is nobody's business.
                    _ = t.Exception;
                    ((CancellationTokenSource)own!).Dispose();
                },
                cancellation, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }
}
