using System.Collections.Immutable;
using System.Security.Cryptography;
using AspireMesh.Host.Admin;
using AspireMesh.Host.Control;
using AspireMesh.Host.Distribution;
using AspireMesh.Host.Identity;
using AspireMesh.Host.Policy;
using AspireMesh.Host.Policy.Rules;
using AspireMesh.Host.Registry;
using AspireMesh.Host.Running;
using AspireMesh.Protocol.Admin;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Faults;
using AspireMesh.Protocol.Identity;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Snapshot;

namespace AspireMesh.Host;

/// <summary>
/// The control plane of one mesh: CA, registry, policy compiler and distribution, with the port that sidecars connect to and the admin API.
/// Runs inside an AppHost or alone. All members can be used from any thread; a model can be applied before <see cref="StartAsync"/>.
/// </summary>
public sealed class MeshControlPlane : IAsyncDisposable
{
    private static readonly TimeSpan FaultPatience = TimeSpan.FromSeconds(10);
    // Sidecars come back within five seconds of random pause and a connect time.
    private static readonly TimeSpan ReturnTime = TimeSpan.FromSeconds(30);
    private readonly ControlPlaneOptions _options;
    private readonly TrustDomain _trustDomain;
    private readonly CertificateAuthority? _authority;
    private readonly WorkloadApiTrust? _workloadApi;
    private readonly JoinTokens _tokens;
    private readonly SidecarRegistry _registry;
    private readonly MeshIntent _intent;
    private readonly FaultLeases _leases;
    private readonly TapHub _taps = new();
    private readonly UpgradeDesk _upgrades;
    private readonly StatusView _status;
    private readonly RootRotation _rotation;
    private readonly ControlServer _control;
    private readonly AdminServer _admin;
    private readonly CancellationTokenSource _stopping = new();
    private string? _runFile;
    private int _stopped;

    /// <summary>Makes a control plane; loads or makes its CA.</summary>
    /// <exception cref="MeshValidationException">The trust domain or the CA cannot be used; carries every reason.</exception>
    public MeshControlPlane(ControlPlaneOptions options)
    {
        _options = options;
        _trustDomain = ReadTrustDomain(options);
        var logger = options.LoggerFactory.CreateLogger("AspireMesh.ControlPlane");
        var time = options.TimeProvider;
        var id = SpiffeId.ForWorkload(_trustDomain, options.Namespace, NamesRule.ControlPlane);
        if (options.WorkloadApi is { } api) _workloadApi = WorkloadApiTrust.Create(api, id, time, new Random(Environment.ProcessId), logger);
        else _authority = NewAuthority(options);
        _tokens = new JoinTokens(_trustDomain.Name, options.JoinTokenLifetime, time);
        _registry = new SidecarRegistry(time, () => _authority is null ? null : Fingerprint.Of(_authority.IssuingRoot));
        _registry.Changed += instance => SidecarChanged?.Invoke(instance);
        _intent = new MeshIntent(_registry, options, () => TrustBundle);
        _leases = new FaultLeases(_intent, time);
        _upgrades = new UpgradeDesk(time);
        _status = new StatusView(_registry, options);
        // A given time is for sidecars that the model does not name; a kept model names them all.
        _rotation = options.Settling > TimeSpan.Zero || !_intent.HasKept
            ? new RootRotation(_authority, _registry, time, options.Settling, allKnown: false, logger)
            : new RootRotation(_authority, _registry, time, ReturnTime, allKnown: true, logger);
        var issuer = new SvidIssuer(_authority, _tokens, _registry, options, logger);
        var own = _authority is null ? null : new OwnCertificate(_authority, id, time);
        var peers = new PeerCertificate(() => Roots, _trustDomain, time, logger);
        var service = new ControlService(issuer, _registry, _taps, options.Attestor, _authority is not null, _stopping.Token, logger);
        _control = new ControlServer(() => own?.Current ?? _workloadApi!.Current, peers, service, options.ControlListen, options.LoggerFactory);
        _admin = new AdminServer(this, options.AdminListen, options.LoggerFactory);
        AdminToken = options.AdminToken ?? Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
    }

    /// <summary>Where sidecars connect, <c>https://host:port</c>. Known once started.</summary>
    public string ControlAddress => _control.Address;

    /// <summary>Where tools connect, <c>http://host:port</c>. Known once started.</summary>
    public string AdminAddress => _admin.Address;

    /// <summary>The admin API's bearer token. A secret.</summary>
    public string AdminToken { get; }

    /// <summary>The trusted roots that sidecars are told, PEM, one certificate each; none where they have them from a SPIFFE Workload API.</summary>
    public ImmutableArray<string> TrustBundle => _authority?.BundlePem ?? [];

    /// <summary>The model in force, or null before the first.</summary>
    public MeshModel? Model => _registry.Input?.Index.Model;

    /// <summary>The faults in force.</summary>
    public ImmutableArray<FaultRule> Faults => _intent.Faults;

    /// <summary>A sidecar's state changed (joined, connected, acknowledged, refused, went away, reported): its instance name. Raised on any thread; a handler must return at once.</summary>
    public event Action<string>? SidecarChanged;

    internal CancellationToken Stopping => _stopping.Token;

    /// <summary>The CA; null where identities come from a SPIFFE Workload API.</summary>
    internal CertificateAuthority? Authority => _authority;

    private ImmutableArray<System.Security.Cryptography.X509Certificates.X509Certificate2> Roots => _authority?.Roots ?? _workloadApi!.Roots;

    /// <summary>Opens both ports and writes the run file. Takes up the kept model where <see cref="ControlPlaneOptions.KeepModel"/> is set.</summary>
    /// <exception cref="MeshValidationException">A port is in use, or the kept model cannot be used.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        _intent.TakeUpKept();
        if (_workloadApi is not null) await _workloadApi.StartAsync(cancellationToken);
        await _control.StartAsync(cancellationToken);
        await _admin.StartAsync(AdminToken, cancellationToken);
        var directory = _options.RunDirectory ?? RunDirectory.Default;
        if (directory.Length == 0) return;
        _runFile = RunDirectory.Write(directory, new RunFile { AppHost = _options.Name, Pid = Environment.ProcessId, Admin = AdminAddress, Token = AdminToken });
    }

    /// <summary>Ends all streams, closes both ports and removes the run file. Sidecars keep their last snapshot and SVID.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _stopped, 1) == 1) return;
        if (_runFile is not null) File.Delete(_runFile);
        await _stopping.CancelAsync();
        _registry.CloseAll();
        await _admin.StopAsync(cancellationToken);
        await _control.StopAsync(cancellationToken);
        _leases.Dispose();
        _intent.Dispose();
    }

    /// <summary>Puts a model in force and pushes what changed to the sidecars it concerns. Faults that were added stay; other changes made to the running model are replaced.</summary>
    /// <exception cref="MeshValidationException">The model cannot work; carries every reason. The model before it stays in force.</exception>
    public void ApplyModel(MeshModel model) => _intent.Apply(_ => model);

    /// <summary>Makes the model in force into another one; what was changed on the running mesh stays.</summary>
    /// <exception cref="MeshValidationException">There is no model yet, or the new one cannot work; carries every reason. The model before it stays in force.</exception>
    public void ChangeModel(Func<MeshModel, MeshModel> change) => _intent.Apply(model => change(Needed(model)));

    /// <summary>Whether a sidecar has its stream open.</summary>
    public bool IsConnected(string instance) => _registry.Read(sidecars => sidecars.TryGetValue(instance, out var sidecar) && sidecar.Connection is not null);

    /// <summary>Applies a policy document to the model in force.</summary>
    /// <exception cref="MeshValidationException">It names something that is not there, or the model would not work; carries every reason.</exception>
    public void ApplyPolicies(PolicyDocument document) => _intent.Apply(model => ModelEditor.Apply(Needed(model), document));

    /// <summary>Moves the weight of one leg of a traffic split.</summary>
    /// <exception cref="MeshValidationException">There is no such edge, route or leg, or the share is out of range.</exception>
    public void MoveSplit(SplitChange change) => _intent.Apply(model => ModelEditor.MoveSplit(Needed(model), change));

    /// <summary>Changes how inbound listeners treat plaintext.</summary>
    /// <param name="mode">The mode.</param>
    /// <param name="force">Go strict although callers used plaintext within the last minute.</param>
    /// <exception cref="MeshValidationException">Callers still use plaintext; names them.</exception>
    public void SetMtls(MtlsMode mode, bool force = false)
    {
        var callers = mode == MtlsMode.Strict && !force ? _status.PlaintextCallers() : [];
        if (callers.Length > 0)
        {
            throw new MeshValidationException([.. callers.Select(c => MeshDiagnostics.PlaintextCallers.Found(
                $"'{c.Caller}' still calls '{c.Instance}' in plaintext and would be refused. Bring it into the mesh, or type: aspiremesh mtls strict --force"))]);
        }
        _intent.Apply(model => Needed(model) with { Mtls = mode });
    }

    /// <summary>Says where a workload's app listens; null when it is not known any more. Can be called before the model has the workload.</summary>
    /// <param name="workload">The workload.</param>
    /// <param name="instance">The sidecar beside it; see <see cref="SidecarModel.Instance"/>.</param>
    /// <param name="endpoint">The endpoint.</param>
    /// <param name="hostPort"><c>host:port</c>, or null.</param>
    /// <exception cref="MeshValidationException">The address is no <c>host:port</c>.</exception>
    public void SetAppAddress(string workload, string instance, string endpoint, string? hostPort) => _intent.SetAppAddress(workload, instance, endpoint, hostPort);

    /// <summary>
    /// Says whether the app beside a sidecar is healthy; unknown counts as healthy. A stopped one is no destination for others; one that runs and fails its health
    /// check is a destination only while the workload has no healthy one: a check that fails for a moment must not cut off what still answers (Envoy's panic threshold).
    /// </summary>
    /// <param name="instance">The sidecar beside it; see <see cref="SidecarModel.Instance"/>.</param>
    /// <param name="healthy">Whether it is.</param>
    /// <param name="running">Whether an unhealthy one runs all the same. Default false.</param>
    public void SetAppHealth(string instance, bool healthy, bool running = false) => _intent.SetAppHealth(instance, healthy, running);

    /// <summary>
    /// Says where the connections of the app beside a sidecar come from, where its outbound listeners are not on loopback: they take those and no others. Can be called before the
    /// model has the sidecar.
    /// </summary>
    /// <param name="instance">The sidecar beside it; see <see cref="SidecarModel.Instance"/>.</param>
    /// <param name="addresses">IP addresses; none while they are not known.</param>
    /// <exception cref="MeshValidationException">One of them is no IP address.</exception>
    public void SetCallerAddresses(string instance, ImmutableArray<string> addresses) => _intent.SetCallerAddresses(instance, addresses);

    /// <summary>What faults decided and how often they fired, by fault, edge and sidecar, as sidecars last reported it; faults that went lately are still in it.</summary>
    public ImmutableArray<FaultTally> GetFaultTallies() => _registry.Read(sidecars => sidecars.Values
        .OrderBy(s => s.Instance, StringComparer.Ordinal).SelectMany(s => s.Faults.Select(t => t with { Instance = s.Instance })).ToImmutableArray());

    /// <summary>Adds a fault; one with the same id is replaced. A fault whose time is over leaves by itself.</summary>
    /// <exception cref="MeshValidationException">Faults are off, or this one cannot be injected; carries every reason.</exception>
    public void AddFault(FaultRule fault) => _intent.AddFault(fault);

    /// <summary>Takes, renews or gives up a session's lease; when it runs out, the session's faults are taken out.</summary>
    /// <exception cref="MeshValidationException">The lease is no time that can be.</exception>
    public void SetFaultLease(FaultLease lease) => _leases.Set(lease);

    /// <summary>True when every connected sidecar has answered to the snapshot it should obey, false after ten seconds: a sidecar that hangs holds nobody up.</summary>
    public async Task<bool> WaitForFaultsAsync(CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(FaultPatience, _options.TimeProvider);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        try
        {
            await _registry.WaitAsync(sidecars => sidecars.Values.All(s => s.HasAnswered), end.Token);
            return true;
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <summary>Removes a fault.</summary>
    /// <exception cref="MeshValidationException">There is no such fault.</exception>
    public void RemoveFault(string id) => _intent.RemoveFault(id);

    /// <summary>Removes every fault.</summary>
    public void ClearFaults() => _intent.ClearFaults();

    /// <summary>A single-use token with which one sidecar can join, for <see cref="ControlPlaneOptions.JoinTokenLifetime"/>. A secret.</summary>
    public string IssueJoinToken(string workload, string instance) => _tokens.Issue(workload, instance);

    /// <summary>What a sidecar needs to start, with a fresh join token. A secret: hand it over as a file of mode 0600.</summary>
    /// <exception cref="MeshValidationException">The model has no such sidecar, or the control plane has not started.</exception>
    public SidecarBootstrap CreateBootstrap(string instance)
    {
        if (_registry.Input is not { } input || !input.Index.TryGetSidecar(instance, out var workload, out var sidecar) || ControlAddress.Length == 0)
        {
            throw new MeshValidationException([MeshDiagnostics.UnknownWorkload.Found($"The mesh has no sidecar '{instance}', or it has not started. Apply a model that has it.")]);
        }
        return new SidecarBootstrap
        {
            Workload = workload.Name,
            Instance = instance,
            TrustDomain = _options.TrustDomain,
            Namespace = _options.Namespace,
            ControlPlane = ControlAddress,
            TrustBundle = TrustBundle,
            JoinToken = _authority is null ? null : IssueJoinToken(workload.Name, instance),
            WorkloadApi = _options.WorkloadApi,
            Admin = sidecar.Admin,
        };
    }

    /// <summary>The state of every sidecar and edge.</summary>
    public MeshStatus GetStatus() => _status.Status();

    /// <summary>What is wrong with the mesh, if anything.</summary>
    public CheckResult Check() => _status.Check(_rotation.Step);

    /// <summary>The compiled routes of every sidecar.</summary>
    public RouteView[] GetRoutes() => RoutesView.Of(_registry);

    /// <summary>Figures by edge over the last 30 seconds.</summary>
    public StatRow[] GetStat() => _registry.Input is { } input
        ? _registry.Read(sidecars => input.Index.Model.Edges.Select(e => EdgeSum.Stat(input.Index, e, sidecars)).ToArray())
        : [];

    /// <summary>The snapshot a sidecar should obey, without keys of gateways.</summary>
    /// <param name="instance">A sidecar, or a workload that has only one.</param>
    /// <exception cref="MeshValidationException">There is no such sidecar, or the workload has several.</exception>
    public MeshSnapshot GetConfig(string instance) => ConfigView.Of(_registry, instance);

    /// <summary>Roots and SVIDs, without any key.</summary>
    public CertificatesView GetCertificates() => CertificatesReport.Of(_registry, Roots, _authority, _tokens, _options, _rotation.Step);

    /// <summary>Requests that match, as they end, until cancelled.</summary>
    public IAsyncEnumerable<TapEvent> TapAsync(TapFilter filter, CancellationToken cancellationToken) => _taps.ReadAsync(filter, cancellationToken);

    /// <summary>Asks who runs the processes to replace a sidecar's by one of the executable that lies there now; completes when that was done, or with why it was not.</summary>
    /// <exception cref="MeshValidationException">There is no such sidecar, or nobody here runs sidecars.</exception>
    public async Task<UpgradeOutcome> UpgradeAsync(string instance, CancellationToken cancellationToken)
    {
        if (_registry.Input?.Index.TryGetSidecar(instance, out _, out _) != true)
        {
            throw new MeshValidationException([MeshDiagnostics.UnknownWorkload.Found($"The mesh has no sidecar '{instance}'. See their names with: aspiremesh status")]);
        }
        // Both ends: the wish is not left behind when the control plane stops.
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, Stopping);
        var outcome = await _upgrades.AskAsync(instance, ending.Token);
        return outcome with { Version = _registry.Read(sidecars => sidecars.GetValueOrDefault(instance)?.ProxyVersion) };
    }

    /// <summary>The next wish for an upgrade, for who runs the processes; waits until there is one.</summary>
    public async Task<UpgradeTicket> NextUpgradeAsync(CancellationToken cancellationToken)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, Stopping);
        return await _upgrades.NextAsync(ending.Token);
    }

    /// <summary>Says what became of an upgrade that <see cref="NextUpgradeAsync"/> gave out.</summary>
    public void AnswerUpgrade(long id, UpgradeOutcome outcome) => _upgrades.Answer(id, outcome);

    /// <summary>Completes when every sidecar of the model is connected, has its SVID and has acknowledged its snapshot.</summary>
    public Task WaitForSidecarsAsync(CancellationToken cancellationToken) =>
        _registry.WaitAsync(sidecars => sidecars.Values.All(s => s.IsSynchronized), cancellationToken);

    /// <summary>Asks sidecars to renew their SVIDs now.</summary>
    /// <param name="instance">One sidecar, or null for all that are connected.</param>
    /// <exception cref="MeshValidationException">Identities come from a SPIFFE Workload API, which renews them by itself.</exception>
    public void RenewNow(string? instance = null)
    {
        if (_authority is null) throw new MeshValidationException([MeshDiagnostics.WorkloadApiAway.Found($"SVIDs come from the Workload API at {_options.WorkloadApi}, which renews them by itself. See their ends with: aspiremesh certs")]);
        _registry.RenewNow(instance);
    }

    /// <summary>Replaces the root step by step, each waiting for every sidecar; completes when the old root is trusted no more.</summary>
    /// <exception cref="MeshValidationException">A step took too long, or the CA is the user's. Nothing is broken by it; calling again goes on.</exception>
    public Task RotateRootAsync(CancellationToken cancellationToken) => _rotation.RunAsync(cancellationToken);

    /// <summary>Puts another given CA in force, under another root by overlap.</summary>
    internal Task ReplaceAuthorityAsync(GivenAuthority next, CancellationToken cancellationToken) => _rotation.ReplaceAsync(next, cancellationToken);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await StopAsync(CancellationToken.None);
        if (_workloadApi is not null) await _workloadApi.DisposeAsync();
        _stopping.Dispose();
    }

    private CertificateAuthority NewAuthority(ControlPlaneOptions options)
    {
        var time = options.TimeProvider;
        // What the user gave as files is kept by the user.
        if (options.CaCertificateFile is { } file) return new CertificateAuthority(_trustDomain, time, null, GivenAuthority.Load(file, options.CaKeyFile, time));
        var store = options.AuthorityStore ?? ((options.CaDirectory ?? options.StateDirectory) is { } directory ? new AuthorityStore(directory) : null);
        return new CertificateAuthority(_trustDomain, time, store, options.Issued, options.AlsoTrusted);
    }

    private MeshModel Needed(MeshModel? model) =>
        model ?? throw new MeshValidationException([MeshDiagnostics.NoSidecar.Found($"Mesh '{_options.Name}' has no model yet. Wait for the AppHost to start it: aspiremesh check --wait 30")]);

    private static TrustDomain ReadTrustDomain(ControlPlaneOptions options) =>
        TrustDomain.TryParse(options.TrustDomain, out var trustDomain, out var error)
            ? trustDomain
            : throw new MeshValidationException([MeshDiagnostics.BadTrustDomain.Found($"Mesh '{options.Name}': {error}. Write .WithTrustDomain(\"shop.mesh\").")]);
}
