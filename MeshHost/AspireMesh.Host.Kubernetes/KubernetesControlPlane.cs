using AspireMesh.Host.Kubernetes.Discovery;
using AspireMesh.Host.Kubernetes.Election;
using AspireMesh.Host.Kubernetes.Issuing;
using AspireMesh.Host.Kubernetes.Joining;
using AspireMesh.Host.Kubernetes.Keeping;
using AspireMesh.Host.Kubernetes.Watching;
using AspireMesh.Host.Running;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Identity;
using k8s;
using k8s.Models;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Host.Kubernetes;

/// <summary>
/// One replica of the control plane in a cluster. The leader is the control plane: it keeps the CA, watches model and pods, lets sidecars join and sends them
/// their snapshots. The others pass connections on to it and wait for their turn. docs/kubernetes.md says what happens when something fails.
/// </summary>
public sealed partial class KubernetesControlPlane
{
    private readonly IKubernetes _client;
    private readonly ClusterOptions _options;
    private readonly Random _random;
    private readonly ILogger _logger;
    private readonly string _identity;
    private readonly Leadership _leadership;

    /// <summary>Makes a replica; nothing is read or opened before <see cref="RunAsync"/>.</summary>
    /// <param name="client">The API server.</param>
    /// <param name="options">How it runs.</param>
    public KubernetesControlPlane(IKubernetes client, ClusterOptions options)
    {
        (_client, _options) = (client, options);
        _logger = options.LoggerFactory.CreateLogger("AspireMesh.ControlPlane");
        _random = new Random(options.Seed);
        var ip = options.PodIp.Contains(':') ? $"[{options.PodIp}]" : options.PodIp;
        _identity = ReplicaAddress.Identity(options.PodName, $"{ip}:{HostPort.Parse(options.ControlListen).Port}");
        _leadership = new Leadership(client, options, _identity, _random, _logger);
    }

    /// <summary>The control plane while this replica leads; null while another does. Raised by <see cref="LeadingChanged"/>.</summary>
    public MeshControlPlane? Leading { get; private set; }

    /// <summary>Who leads, as <c>pod@host:port</c>; null when nobody did when this replica last looked.</summary>
    public string? Leader => _leadership.Holder;

    /// <summary><see cref="Leading"/> changed. Raised on any thread.</summary>
    public event Action? LeadingChanged;

    /// <summary>Runs until cancelled, then hands the Lease back.</summary>
    /// <exception cref="MeshValidationException">A port is in use.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                await using (var relay = new LeaderRelay(_options.ControlListen, LeaderElsewhere, _logger))
                {
                    await relay.StartAsync();
                    await _leadership.AcquireAsync(cancellationToken);
                }
                await LeadWhileHeldAsync(cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            LogStopped(_logger, _identity);
        }
    }

    // A replica that has just lost the Lease must not relay to itself.
    private string? LeaderElsewhere() => _leadership.Holder is { } holder && holder != _identity ? ReplicaAddress.Address(holder) : null;

    private async Task LeadWhileHeldAsync(CancellationToken cancellationToken)
    {
        using var leading = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var holding = _leadership.HoldAsync(leading.Token);
        var lead = LeadAsync(leading.Token);
        try
        {
            await await Task.WhenAny(holding, lead);
        }
        finally
        {
            await leading.CancelAsync();
            await Task.WhenAll(holding, lead).ContinueWith(_ => { }, TaskScheduler.Default);
            using var limit = new CancellationTokenSource(_options.LeaseDeadline, _options.TimeProvider);
            await _leadership.ReleaseAsync(limit.Token);
        }
    }

    private async Task LeadAsync(CancellationToken cancellationToken)
    {
        using var view = new ClusterView(_options, _logger);
        var watching = Task.WhenAll(WatchModel(view).RunAsync(cancellationToken), WatchSlices(view).RunAsync(cancellationToken), WatchServicesAsync(view, cancellationToken));
        var pauses = new Pauses(_options.RetryPause, _random);
        try
        {
            var model = await view.FirstModel.WaitAsync(cancellationToken);
            while (true)
            {
                try
                {
                    await ServeAsync(view, model.TrustDomain, model.Name, cancellationToken);
                }
                catch (Exception e) when (ApiFailure.Is(e) || e is MeshValidationException)
                {
                    // What the API server or another replica stands in the way of now may pass; a port in use does as well.
                    LogCannotServe(_logger, e is MeshValidationException ? e.Message : ApiFailure.Explain(e, "get, create, update", "secrets, configmaps"));
                    await Task.Delay(pauses.Next(), _options.TimeProvider, cancellationToken);
                }
            }
        }
        finally
        {
            await watching;
        }
    }

    private async Task ServeAsync(ClusterView view, string trustDomain, string name, CancellationToken cancellationToken)
    {
        var token = await AdminToken.ReadOrMakeAsync(_client, _options.Namespace, cancellationToken);
        var store = new SecretAuthorityStore(_client, _options.Namespace);
        var issued = _options.Issuer is { } issuer ? new IssuedAuthority(new CertManagerIssuer(_client, _options, issuer, TrustDomain.Parse(trustDomain), _logger), store, _options, _random, _logger) : null;
        var (signer, trusted) = issued is null ? (null, []) : await issued.StartAsync(cancellationToken);
        await using var mesh = new MeshControlPlane(new ControlPlaneOptions
        {
            Name = name,
            TrustDomain = trustDomain,
            Namespace = _options.Namespace,
            ControlListen = _options.ControlListen,
            AdminListen = _options.AdminListen,
            AdminToken = token,
            AuthorityStore = store,
            Issued = signer,
            AlsoTrusted = trusted,
            WorkloadApi = _options.WorkloadApi,
            Settling = _options.PodMemory,
            Attestor = new ServiceAccountTokens(_client, _options, view, _logger),
            RunDirectory = "",
            TimeProvider = _options.TimeProvider,
            LoggerFactory = _options.LoggerFactory,
        });
        view.Attach(mesh);
        await mesh.StartAsync(cancellationToken);
        Leading = mesh;
        LeadingChanged?.Invoke();
        try
        {
            if (issued is not null) await issued.RunAsync(mesh, cancellationToken);
            await Task.Delay(Timeout.InfiniteTimeSpan, _options.TimeProvider, cancellationToken);
        }
        finally
        {
            Leading = null;
            LeadingChanged?.Invoke();
        }
    }

    private ResourceWatch<V1ConfigMap> WatchModel(ClusterView view)
    {
        const string One = $"metadata.name={ClusterNames.Mesh}";
        var calls = new WatchCalls<V1ConfigMap>(
            "configmaps",
            async ct => await _client.CoreV1.ListNamespacedConfigMapAsync(_options.Namespace, fieldSelector: One, cancellationToken: ct) is var list ? (list.Items, list.Metadata.ResourceVersion) : default,
            (version, fail, ct) => _client.CoreV1.WatchListNamespacedConfigMapAsync(_options.Namespace, fieldSelector: One, resourceVersion: version, allowWatchBookmarks: true, onError: fail, cancellationToken: ct));
        return new ResourceWatch<V1ConfigMap>(calls, view.ModelChanged, new Pauses(_options.RetryPause, _random), _options.TimeProvider, _logger);
    }

    private ResourceWatch<V1EndpointSlice> WatchSlices(ClusterView view)
    {
        var calls = new WatchCalls<V1EndpointSlice>(
            "endpointslices.discovery.k8s.io",
            async ct => await _client.DiscoveryV1.ListNamespacedEndpointSliceAsync(_options.Namespace, labelSelector: ClusterNames.WorkloadLabel, cancellationToken: ct) is var list ? (list.Items, list.Metadata.ResourceVersion) : default,
            (version, fail, ct) => _client.DiscoveryV1.WatchListNamespacedEndpointSliceAsync(_options.Namespace, labelSelector: ClusterNames.WorkloadLabel, resourceVersion: version, allowWatchBookmarks: true, onError: fail, cancellationToken: ct));
        return new ResourceWatch<V1EndpointSlice>(calls, view.SlicesChanged, new Pauses(_options.RetryPause, _random), _options.TimeProvider, _logger);
    }

    private async Task WatchServicesAsync(ClusterView view, CancellationToken cancellationToken)
    {
        await view.Intercepts.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (cancellationToken.IsCancellationRequested) return;
        var calls = new WatchCalls<V1Service>(
            "services",
            async ct => await _client.CoreV1.ListNamespacedServiceAsync(_options.Namespace, labelSelector: ClusterNames.WorkloadLabel, cancellationToken: ct) is var list ? (list.Items, list.Metadata.ResourceVersion) : default,
            (version, fail, ct) => _client.CoreV1.WatchListNamespacedServiceAsync(_options.Namespace, labelSelector: ClusterNames.WorkloadLabel, resourceVersion: version, allowWatchBookmarks: true, onError: fail, cancellationToken: ct));
        await new ResourceWatch<V1Service>(calls, view.ServicesChanged, new Pauses(_options.RetryPause, _random), _options.TimeProvider, _logger).RunAsync(cancellationToken);
    }

    [LoggerMessage(90, LogLevel.Error, "This replica leads but cannot serve: {Reason} It is tried again.")]
    private static partial void LogCannotServe(ILogger logger, string reason);

    [LoggerMessage(91, LogLevel.Information, "Replica {Identity} stopped.")]
    private static partial void LogStopped(ILogger logger, string identity);
}
