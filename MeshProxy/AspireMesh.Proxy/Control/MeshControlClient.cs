using System.Collections.Immutable;
using System.Security.Cryptography.X509Certificates;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Identity;
using AspireMesh.Protocol.Identity.WorkloadApi;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Runtime;
using AspireMesh.Proxy.Tls;
using Grpc.Core;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Proxy.Control;

/// <summary>
/// The sidecar's side of the contract with the control plane: joins, keeps the SVID fresh, takes snapshots, answers ack or nack, sends reports and
/// tapped requests. Losing the control plane stops nothing: the last good snapshot and SVID stay, and it comes back by itself.
/// </summary>
internal sealed class MeshControlClient : IControlLink
{
    private readonly SidecarBootstrap _bootstrap;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Enrolment _enrolment;
    private readonly WorkloadApiIdentity? _workloadApi;
    private readonly ControlPlanePeer _peer;
    private readonly SvidStore _svids = new();
    private readonly TrustBundle _bundle;
    private readonly ControlStatus _status;
    private readonly Random _random;
    private readonly Uplink _uplink;
    private X509Certificate2Collection _bootstrapRoots = [];
    private CancellationTokenSource? _running;
    private WatchLoop? _watch;
    private RenewalLoop? _renewal;
    private Task _ended = Task.CompletedTask;

    /// <summary>Makes a client; nothing is sent before <see cref="JoinAsync"/>.</summary>
    /// <exception cref="MeshValidationException">The bootstrap cannot be used; carries every reason.</exception>
    public MeshControlClient(SidecarBootstrap bootstrap, Uplink uplink, TimeProvider time, int seed, ILogger logger)
    {
        var problems = BootstrapChecks.Check(bootstrap);
        if (!problems.IsEmpty) throw new MeshValidationException(problems);
        _bootstrap = bootstrap;
        _uplink = uplink;
        _time = time;
        _logger = logger;
        _random = new Random(seed);
        _status = new ControlStatus(time, logger);
        _bundle = new TrustBundle(_svids);
        var trustDomain = TrustDomain.Parse(bootstrap.TrustDomain);
        var ns = bootstrap.Namespace ?? "default";
        _peer = new ControlPlanePeer(ControlPlanePeer.IdFor(trustDomain, ns), Roots);
        _enrolment = new Enrolment(bootstrap, trustDomain, time);
        if (WorkloadApiAddress.TryParse(bootstrap.WorkloadApi, out var api, out _))
        {
            _workloadApi = new WorkloadApiIdentity(bootstrap, api, SpiffeId.ForWorkload(trustDomain, ns, bootstrap.Workload), _svids, _status, time, _random.Next(), logger);
        }
    }

    /// <inheritdoc/>
    public Svid? Current => _svids.Current;

    /// <inheritdoc/>
    public event Action? Changed
    {
        add => _svids.Changed += value;
        remove => _svids.Changed -= value;
    }

    /// <summary>How it stands towards the control plane.</summary>
    public ControlState State => _status.Current;

    /// <summary>The control plane asks the sidecar to take nothing new and to finish what runs within this time.</summary>
    public event Action<TimeSpan>? DrainAsked;

    /// <inheritdoc/>
    public void RenewNow() => _renewal?.RenewNow();

    /// <inheritdoc/>
    /// <exception cref="MeshValidationException">The control plane refused the join, or issued what cannot be used; carries every reason.</exception>
    public async Task JoinAsync(CancellationToken cancellationToken)
    {
        if (_workloadApi is not null)
        {
            await _workloadApi.FirstAsync(cancellationToken);
            return;
        }
        var delay = new ReconnectDelay(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(5), _random);
        while (true)
        {
            try
            {
                using var channel = OpenChannel(svid: null);
                var svid = await _enrolment.JoinAsync(channel, cancellationToken);
                _svids.Replace(svid);
                _logger.Joined(_bootstrap.Instance, svid.Id.ToString(), svid.Expires);
                return;
            }
            catch (Exception e) when (e is RpcException or IOException or UnauthorizedAccessException)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var failure = ControlFailure.From(e, _peer);
                if (failure.Refused) throw Refused(failure.Reason);
                _status.Enter(ControlPhase.Joining, $"Sidecar '{_bootstrap.Instance}' waits for the control plane at {_bootstrap.ControlPlane}: {failure.Reason}. It tries again by itself.");
            }
            await Task.Delay(delay.Next(), _time, cancellationToken);
        }
    }

    /// <inheritdoc/>
    public async Task RunAsync(ISnapshotSink sink, SidecarState state, CancellationToken cancellationToken)
    {
        _running = new CancellationTokenSource();
        var watch = new WatchLoop(_bootstrap, new SnapshotIntake(sink, _bundle), state, _svids, _status, _uplink, OpenChannel, _peer, _time, _random.Next(), _logger);
        watch.DrainAsked += time => DrainAsked?.Invoke(time);
        _watch = watch;
        _ended = Task.WhenAll(watch.RunAsync(_running.Token), RenewAsync(watch, state, _running.Token));
        await using var stopping = cancellationToken.Register(() => _ = EndAsync());
        await _ended;
    }

    /// <summary>Ends the stream and stops renewing. The SVID stays for connections that drain.</summary>
    public async ValueTask DisposeAsync()
    {
        await EndAsync();
        _workloadApi?.End();
        await _ended;
        _running?.Dispose();
        _running = null;
    }

    private Task RenewAsync(WatchLoop watch, SidecarState state, CancellationToken cancellationToken)
    {
        if (_workloadApi is not null)
        {
            _workloadApi.Replaced += watch.SvidReplaced;
            return _workloadApi.RunAsync(cancellationToken);
        }
        var renewal = new RenewalLoop(_bootstrap, state, _enrolment, _svids, _status, OpenChannel, _peer, _time, _random.Next(), _logger);
        _renewal = renewal;
        watch.RenewAsked += renewal.RenewNow;
        renewal.Replaced += watch.SvidReplaced;
        return renewal.RunAsync(cancellationToken);
    }

    private async Task EndAsync()
    {
        if (_running is not { IsCancellationRequested: false } running) return;
        // A nack on its way says why this sidecar goes away.
        await Task.WhenAny(_watch!.Obeying, Task.Delay(TimeSpan.FromSeconds(1), _time));
        await running.CancelAsync();
    }

    private ControlChannel OpenChannel(Svid? svid)
    {
        // Joining begins with what the bundle's file says now: the control plane may write it after this pod has started, or have rotated while this sidecar was away.
        if (svid is null) _bootstrapRoots = BootstrapChecks.ReadRoots(_bootstrap);
        return new ControlChannel(new Uri(_bootstrap.ControlPlane), _peer, svid?.Context, _time);
    }

    // Until the SVID's bundle is there, the bootstrap's; afterwards what rotations made of it. A bundle's file goes on counting: it is kept up to date by others.
    private X509Certificate2Collection Roots()
    {
        if (_bundle.Roots is not { Count: > 0 } roots) return _bootstrapRoots;
        return _bootstrap.TrustBundleFile is null ? roots : [.. roots, .. _bootstrapRoots];
    }

    private MeshValidationException Refused(string reason)
    {
        var message = $"Sidecar '{_bootstrap.Instance}' could not join: the control plane at {_bootstrap.ControlPlane} said: {reason}. Start the sidecar's resource again: it gets a fresh token.";
        _status.Enter(ControlPhase.Refused, message);
        ImmutableArray<MeshProblem> problems = [MeshDiagnostics.JoinRefused.Found(message)];
        return new MeshValidationException(problems);
    }
}
