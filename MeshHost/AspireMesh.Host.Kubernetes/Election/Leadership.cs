using AspireMesh.Host.Kubernetes.Keeping;
using AspireMesh.Host.Kubernetes.Watching;
using k8s;
using k8s.Models;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Host.Kubernetes.Election;

/// <summary>
/// One leader among the replicas, by a Lease. A holder that has not renewed for the Lease's duration, as seen on this replica's own clock, has lost it; a write
/// that conflicts was somebody else's turn. Ours instead of the client library's elector: that one has no clock to give it, ends at the first broken connection
/// and never hands the Lease back, so that every rollout would wait for it to run out.
/// </summary>
internal sealed partial class Leadership(IKubernetes client, ClusterOptions options, string identity, Random random, ILogger logger)
{
    private readonly TimeProvider _time = options.TimeProvider;
    private string _seen = "";
    private long _seenAt;
    private long _asked;

    /// <summary>Who led when this replica last looked; null for nobody.</summary>
    public string? Holder { get; private set; }

    /// <summary>Completes when this replica leads.</summary>
    public async Task AcquireAsync(CancellationToken cancellationToken)
    {
        while (!await TryTakeAsync(options.LeaseDeadline, cancellationToken))
        {
            await Task.Delay(options.LeaseRenewal * (1 + random.NextDouble() / 5), _time, cancellationToken);
        }
        LogLeads(logger, identity);
    }

    /// <summary>Renews until leadership is lost (another holder, or no renewal in time) or cancelled.</summary>
    public async Task HoldAsync(CancellationToken cancellationToken)
    {
        // Others count from when the server wrote the Lease, which may be long before its answer is here: what is certain is only when it was asked.
        var renewed = _asked;
        while (Left(renewed) is { Ticks: > 0 } left)
        {
            await Task.Delay(left < options.LeaseRenewal ? left : options.LeaseRenewal, _time, cancellationToken);
            left = Left(renewed);
            if (left <= TimeSpan.Zero) break;
            if (await TryTakeAsync(left, cancellationToken)) renewed = _asked;
            else if (Holder is not null && Holder != identity) break;
        }
        LogLost(logger, identity, Holder ?? "nobody");
    }

    /// <summary>Hands the Lease back, so that another replica need not wait for its end.</summary>
    public async Task ReleaseAsync(CancellationToken cancellationToken)
    {
        try
        {
            var lease = await client.CoordinationV1.ReadNamespacedLeaseAsync(ClusterNames.ControlPlane, options.Namespace, cancellationToken: cancellationToken);
            if (lease.Spec?.HolderIdentity != identity) return;
            lease.Spec.HolderIdentity = "";
            lease.Spec.LeaseDurationSeconds = 1;
            await client.CoordinationV1.ReplaceNamespacedLeaseAsync(lease, ClusterNames.ControlPlane, options.Namespace, cancellationToken: cancellationToken);
        }
        catch (Exception e) when (ApiFailure.Is(e) || e is OperationCanceledException)
        {
            LogFailed(logger, ApiFailure.Explain(e, "get, update", "leases"));
        }
    }

    private TimeSpan Left(long renewed) => options.LeaseDeadline - _time.GetElapsedTime(renewed);

    private async Task<bool> TryTakeAsync(TimeSpan patience, CancellationToken cancellationToken)
    {
        _asked = _time.GetTimestamp();
        using var limit = new CancellationTokenSource(patience, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            return await TakeAsync(either.Token);
        }
        catch (Exception e) when (ApiFailure.IsConflict(e))
        {
            LogConflict(logger, identity);
        }
        catch (Exception e) when (ApiFailure.Is(e))
        {
            LogFailed(logger, ApiFailure.Explain(e, "get, create, update", "leases.coordination.k8s.io"));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            LogFailed(logger, "the API server did not answer in time");
        }
        return false;
    }

    private async Task<bool> TakeAsync(CancellationToken cancellationToken)
    {
        var lease = await ReadAsync(cancellationToken);
        var now = _time.GetUtcNow().UtcDateTime;
        if (lease is null)
        {
            lease = new V1Lease { Metadata = ClusterObject.Meta(ClusterNames.ControlPlane, options.Namespace), Spec = Spec(now, now, 0) };
            Note(await client.CoordinationV1.CreateNamespacedLeaseAsync(lease, options.Namespace, cancellationToken: cancellationToken));
            return true;
        }
        Note(lease);
        var mine = Holder == identity;
        if (!mine && Holder is not null && _time.GetElapsedTime(_seenAt) < options.LeaseDuration) return false;
        lease.Spec = Spec(mine ? lease.Spec.AcquireTime ?? now : now, now, (lease.Spec?.LeaseTransitions ?? 0) + (mine ? 0 : 1));
        Note(await client.CoordinationV1.ReplaceNamespacedLeaseAsync(lease, ClusterNames.ControlPlane, options.Namespace, cancellationToken: cancellationToken));
        return true;
    }

    private async Task<V1Lease?> ReadAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await client.CoordinationV1.ReadNamespacedLeaseAsync(ClusterNames.ControlPlane, options.Namespace, cancellationToken: cancellationToken);
        }
        catch (Exception e) when (ApiFailure.IsMissing(e))
        {
            return null;
        }
    }

    private V1LeaseSpec Spec(DateTime acquired, DateTime renewed, int transitions) => new()
    {
        HolderIdentity = identity,
        LeaseDurationSeconds = Math.Max(1, (int)options.LeaseDuration.TotalSeconds),
        AcquireTime = acquired,
        RenewTime = renewed,
        LeaseTransitions = transitions,
    };

    // Clocks of machines differ, so only a change that is seen here counts, never the time that stands in the Lease.
    private void Note(V1Lease lease)
    {
        Holder = string.IsNullOrEmpty(lease.Spec?.HolderIdentity) ? null : lease.Spec.HolderIdentity;
        if (lease.Metadata.ResourceVersion == _seen) return;
        (_seen, _seenAt) = (lease.Metadata.ResourceVersion ?? "", _time.GetTimestamp());
    }

    [LoggerMessage(70, LogLevel.Information, "This replica leads ({Identity}).")]
    private static partial void LogLeads(ILogger logger, string identity);

    [LoggerMessage(71, LogLevel.Warning, "This replica leads no more ({Identity}); the Lease is held by {Holder}.")]
    private static partial void LogLost(ILogger logger, string identity, string holder);

    [LoggerMessage(72, LogLevel.Information, "Another replica wrote the Lease at the same time (conflict); {Identity} looks again.")]
    private static partial void LogConflict(ILogger logger, string identity);

    [LoggerMessage(73, LogLevel.Warning, "The Lease cannot be read or written: {Reason}. It is tried again.")]
    private static partial void LogFailed(ILogger logger, string reason);
}
