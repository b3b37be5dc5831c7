using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Runtime;
using AspireMesh.Proxy.Tls;
using Grpc.Core;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Proxy.Control;

/// <summary>
/// Replaces the SVID at about half its life, or when the control plane asks. A failed renewal is tried again until the SVID's end; after that only
/// a fresh token helps, which a sidecar with a token file reads by itself.
/// </summary>
internal sealed class RenewalLoop(
    SidecarBootstrap bootstrap, SidecarState state, Enrolment enrolment, SvidStore svids, ControlStatus status, Func<Svid?, ControlChannel> open, ControlPlanePeer peer,
    TimeProvider time, int seed, ILogger logger)
{
    private readonly Random _random = new(seed);
    private readonly WakeUp _wake = new(time);

    /// <summary>A new SVID is in force.</summary>
    public event Action? Replaced;

    /// <summary>Renews without waiting for half of the life.</summary>
    public void RenewNow() => _wake.Call();

    /// <summary>Runs until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                var current = svids.Current!;
                await WaitForRenewalAsync(current, cancellationToken);
                await RenewUntilDoneAsync(current, cancellationToken);
                Replaced?.Invoke();
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            logger.LogTrace("The renewal loop ended.");
        }
    }

    private async Task WaitForRenewalAsync(Svid current, CancellationToken cancellationToken)
    {
        var due = RenewalSchedule.Next(time.GetUtcNow(), current.Expires, _random);
        while (true)
        {
            var left = due - time.GetUtcNow();
            if (left <= TimeSpan.Zero || await _wake.WaitAsync(left, cancellationToken)) return;
        }
    }

    private async Task RenewUntilDoneAsync(Svid current, CancellationToken cancellationToken)
    {
        // With hours to go there is no hurry; of a life that is short, waiting may take only a small part.
        var left = current.Expires - time.GetUtcNow();
        var delay = new ReconnectDelay(Shorter(TimeSpan.FromSeconds(1), left / 40), Shorter(TimeSpan.FromSeconds(30), left / 8), _random);
        while (true)
        {
            try
            {
                var next = await GetNextAsync(current, cancellationToken);
                svids.Replace(next);
                logger.Renewed(bootstrap.Instance, next.Expires);
                return;
            }
            catch (Exception e) when (e is RpcException or IOException or UnauthorizedAccessException or MeshValidationException)
            {
                cancellationToken.ThrowIfCancellationRequested();
                Tell(current, ControlFailure.From(e, peer));
            }
            await _wake.WaitAsync(delay.Next(), cancellationToken);
        }
    }

    private async Task<Svid> GetNextAsync(Svid current, CancellationToken cancellationToken)
    {
        if (state.ControlFault().Away) throw new IOException("a fault keeps the control plane away");
        if (enrolment.CanJoinAgain && HasExpired(current))
        {
            using var joining = open(null);
            return await enrolment.JoinAsync(joining, cancellationToken);
        }
        using var channel = open(current);
        return await enrolment.RenewAsync(channel, current.Id, cancellationToken);
    }

    private void Tell(Svid current, ControlFailure failure)
    {
        logger.RenewalFailed(bootstrap.Instance, current.Expires, failure.Reason);
        if (HasExpired(current))
        {
            status.Enter(ControlPhase.Expired, $"The SVID of sidecar '{bootstrap.Instance}' ended at {current.Expires:u} and could not be renewed: {failure.Reason}. Start the sidecar's resource again.");
        }
        else if (failure.Refused)
        {
            status.Enter(ControlPhase.Refused, $"The control plane refuses to renew the SVID of sidecar '{bootstrap.Instance}', which ends at {current.Expires:u}: {failure.Reason}. Start the sidecar's resource again.");
        }
    }

    private static TimeSpan Shorter(TimeSpan longest, TimeSpan share) => share > TimeSpan.FromMilliseconds(50) && share < longest ? share : longest;

    private bool HasExpired(Svid svid) => svid.Expires <= time.GetUtcNow();
}
