using System.Net;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Identity;
using AspireMesh.Protocol.Identity.WorkloadApi;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Tls;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Proxy.Control;

/// <summary>
/// The identity of a sidecar that has it from a SPIFFE Workload API instead of the control plane's CA: every SVID and bundle that its stream brings is put in
/// force as a renewed one would be. While the API is away the last one stays in use until its end.
/// </summary>
internal sealed class WorkloadApiIdentity(SidecarBootstrap bootstrap, EndPoint address, SpiffeId expected, SvidStore svids, ControlStatus status, TimeProvider time, int seed, ILogger logger)
{
    private readonly WorkloadApiSource _source = new(address, expected, time, new Random(seed));
    private readonly TaskCompletionSource _first = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private CancellationTokenSource _ending = new();
    private Task? _running;
    private string? _lastTrouble;

    /// <summary>A new SVID or bundle is in force.</summary>
    public event Action? Replaced;

    /// <summary>Waits for the first SVID; from then on the stream is followed.</summary>
    /// <exception cref="MeshValidationException">The API says that asking again cannot help.</exception>
    public async Task FirstAsync(CancellationToken cancellationToken)
    {
        _running ??= FollowAsync();
        await _first.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Runs until cancelled; what <see cref="FirstAsync"/> began goes on.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        // Ended before, and called back: the newer process that was to take over has died.
        if (_ending.IsCancellationRequested) (_ending, _running) = (new CancellationTokenSource(), null);
        _running ??= FollowAsync();
        await using var stopping = cancellationToken.Register(End);
        await _running;
    }

    /// <summary>Asks no more. The SVID stays for connections that drain.</summary>
    public void End() => _ending.Cancel();

    private Task FollowAsync() => _source.RunAsync(Take, Tell, _ending.Token);

    private void Take(WorkloadSvid given)
    {
        var svid = new Svid(given.Leaf, given.Intermediates, given.Roots);
        svids.Replace(svid);
        _lastTrouble = null;
        if (_first.TrySetResult())
        {
            logger.Joined(bootstrap.Instance, svid.Id.ToString(), svid.Expires);
            return;
        }
        logger.Renewed(bootstrap.Instance, svid.Expires);
        Replaced?.Invoke();
    }

    private void Tell(WorkloadApiTrouble trouble)
    {
        var said = $"The Workload API at {bootstrap.WorkloadApi} gives sidecar '{bootstrap.Instance}' no identity: {trouble.Reason}.";
        if (trouble.Final)
        {
            var problem = MeshDiagnostics.WorkloadApiAway.Found($"{said} Look at the agent's log.");
            _first.TrySetException(new MeshValidationException([problem]));
            logger.Troubled(problem.ToString());
            return;
        }
        if (svids.Current is null)
        {
            status.Enter(ControlPhase.Joining, $"{said} It is asked again. See the entries with: spire-server entry show -spiffeID {expected}");
            return;
        }
        // Once per reason: an agent that is away is asked every half a minute.
        if (trouble.Reason == _lastTrouble) return;
        _lastTrouble = trouble.Reason;
        logger.Troubled($"{said} The SVID it has ends at {svids.Current.Expires:u}; it is asked again.");
    }
}
