using System.Collections.Immutable;
using AspireMesh.Host.Identity;
using AspireMesh.Host.Registry;
using AspireMesh.Protocol.Admin;
using AspireMesh.Protocol.Diagnostics;
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
    private readonly ControlPlaneOptions _options;
    private readonly CertificateAuthority _authority;
    private readonly JoinTokens _tokens;
    private readonly Lock _gate = new();
    private ModelIndex? _index;

    /// <summary>Makes a control plane; loads or makes its CA.</summary>
    /// <exception cref="MeshValidationException">The trust domain or the CA cannot be used; carries every reason.</exception>
    public MeshControlPlane(ControlPlaneOptions options)
    {
        _options = options;
        if (!Protocol.Identity.TrustDomain.TryParse(options.TrustDomain, out var trustDomain, out var error))
        {
            throw new MeshValidationException([MeshDiagnostics.BadTrustDomain.Found($"Mesh '{options.Name}': {error}. Write .WithTrustDomain(\"shop.mesh\").")]);
        }
        var store = options.StateDirectory is { } directory ? new AuthorityStore(directory) : null;
        var given = options.CaCertificateFile is { } file ? GivenAuthority.Load(file, options.CaKeyFile, options.TimeProvider) : null;
        _authority = new CertificateAuthority(trustDomain, options.TimeProvider, store, given);
        _tokens = new JoinTokens(trustDomain.Name, options.JoinTokenLifetime, options.TimeProvider);
    }

    /// <summary>Where sidecars connect, <c>https://host:port</c>. Known once started.</summary>
    public string ControlAddress { get; private set; } = "";

    /// <summary>Where tools connect, <c>http://host:port</c>. Known once started.</summary>
    public string AdminAddress { get; private set; } = "";

    /// <summary>The admin API's bearer token. A secret.</summary>
    public string AdminToken { get; } = "";

    /// <summary>The trusted roots, PEM, one certificate each.</summary>
    public ImmutableArray<string> TrustBundle => _authority.BundlePem;

    /// <summary>The model in force, or null before the first.</summary>
    public MeshModel? Model { get { lock (_gate) return _index?.Model; } }

    /// <summary>A sidecar's state changed (joined, connected, acknowledged, refused, went away, reported): its instance name. Raised on a thread pool thread.</summary>
    public event Action<string>? SidecarChanged;

    /// <summary>Opens both ports and writes the run file.</summary>
    /// <exception cref="IOException">A port is in use.</exception>
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Ends all streams, closes both ports and removes the run file. Sidecars keep their last snapshot and SVID.</summary>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Puts a model in force and pushes what changed to the sidecars it concerns.</summary>
    /// <exception cref="MeshValidationException">The model cannot work; carries every reason. The model before it stays in force.</exception>
    public void ApplyModel(MeshModel model)
    {
        lock (_gate) _index = new ModelIndex(model);
    }

    /// <summary>Says where a workload's app listens; null when it is not known any more. Can be called before the model has the workload.</summary>
    /// <param name="workload">The workload.</param>
    /// <param name="instance">The sidecar beside it; see <see cref="SidecarModel.Instance"/>.</param>
    /// <param name="endpoint">The endpoint.</param>
    /// <param name="hostPort"><c>host:port</c>, or null.</param>
    public void SetAppAddress(string workload, string instance, string endpoint, string? hostPort) => SidecarChanged?.Invoke(instance);

    /// <summary>Says whether the app beside a sidecar is healthy. An unhealthy or stopped one is no destination for others; unknown counts as healthy.</summary>
    public void SetAppHealth(string instance, bool healthy) => SidecarChanged?.Invoke(instance);

    /// <summary>A single-use token with which one sidecar can join, for <see cref="ControlPlaneOptions.JoinTokenLifetime"/>. A secret.</summary>
    public string IssueJoinToken(string workload, string instance) => _tokens.Issue(workload, instance);

    /// <summary>What a sidecar needs to start, with a fresh join token. A secret: hand it over as a file of mode 0600.</summary>
    /// <exception cref="MeshValidationException">The model has no such sidecar, or the control plane has not started.</exception>
    public SidecarBootstrap CreateBootstrap(string instance)
    {
        ModelIndex? index;
        lock (_gate) index = _index;
        if (index is null || !index.TryGetSidecar(instance, out var workload, out var sidecar))
        {
            throw new MeshValidationException([MeshDiagnostics.UnknownWorkload.Found($"The mesh has no sidecar '{instance}'. Apply a model that has it.")]);
        }
        return new SidecarBootstrap
        {
            Workload = workload.Name,
            Instance = instance,
            TrustDomain = _options.TrustDomain,
            Namespace = _options.Namespace,
            ControlPlane = ControlAddress,
            TrustBundle = TrustBundle,
            JoinToken = IssueJoinToken(workload.Name, instance),
            Admin = sidecar.Admin,
        };
    }

    /// <summary>The state of every sidecar and edge.</summary>
    public MeshStatus GetStatus() => new() { TrustDomain = _options.TrustDomain, Mtls = "strict" };

    /// <summary>Completes when every sidecar of the model is connected, has its SVID and has acknowledged its snapshot.</summary>
    public Task WaitForSidecarsAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Asks sidecars to renew their SVIDs now.</summary>
    /// <param name="instance">One sidecar, or null for all.</param>
    public void RenewNow(string? instance = null) => SidecarChanged?.Invoke(instance ?? "");

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await StopAsync(CancellationToken.None);
}
